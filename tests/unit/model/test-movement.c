/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "model/movement.h"

Test(movement, causes_by_the_kernels_names) {
        cr_expect_eq(move_cause_from_constant("MR_COMPACTION"), MOVE_CAUSE_COMPACTION);
        cr_expect_eq(move_cause_from_constant("MR_SYSCALL"), MOVE_CAUSE_SYSCALL);
        cr_expect_eq(move_cause_from_constant("MR_NUMA_MISPLACED"), MOVE_CAUSE_NUMA_MISPLACED);
        cr_expect_eq(move_cause_from_constant("MR_TYPES"), MOVE_CAUSE_OTHER);
        cr_expect_eq(move_cause_from_constant("MR_OTHER"), MOVE_CAUSE_OTHER);
        cr_expect_eq(move_cause_from_constant(""), MOVE_CAUSE_OTHER);
        cr_expect_str_eq(move_cause_to_string(MOVE_CAUSE_DAMON), "damon");
        cr_expect_str_eq(move_cause_to_string((MoveCause)99), "other");
}
