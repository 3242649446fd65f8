/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "observe/migrations.h"

/* Loads into the running kernel and counts nothing that did not happen. What it counts when pages
 * move is a case of the virtual machine, for that takes two nodes. */
Test(migrations, load_and_read) {
        char problem[MIGRATIONS_PROBLEM_BYTES];
        MigrationCounter *c = NULL;
        ForeignMover foreign[4];
        KernelMoves moves;
        int r;

        r = migrations_open(&c, getpid(), problem);
        if (geteuid() != 0 && (r == -EPERM || r == -EACCES))
                cr_skip_test("the tracepoint needs CAP_BPF and CAP_PERFMON");
        cr_assert_eq(r, 0, "%s: %s", problem, strerror(-r));
        memset(&moves, 0x5a, sizeof(moves));
        cr_assert_eq(migrations_read(c, &moves), 0);
        cr_expect_eq(moves.own.moved, 0);
        cr_expect_eq(moves.own.failed, 0);
        cr_expect_eq(moves.others[MOVE_CAUSE_MEMORY_FAILURE].moved, 0);
        cr_expect_eq(migrations_take_foreign(c, foreign, 0), 0);
        cr_expect_null(migrations_close(c));
}
