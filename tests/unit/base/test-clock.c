/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, advances) {
        uint64_t before = clock_monotonic_ns(), cpu = clock_self_cpu_ns();

        while (clock_monotonic_ns() - before < 1000000)
                ;
        cr_assert_gt(clock_self_cpu_ns(), cpu);
        cr_assert_geq(clock_boottime_ns(), before);
        cr_assert_gt(clock_realtime_ns(), 1600000000ull * 1000000000);
        cr_assert_lt(clock_realtime_usec() - clock_realtime_ns() / 1000 + 60000000, 120000000,
                     "the same clock in another unit");
}
