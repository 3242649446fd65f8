/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

#include "shares.h"

#define N(array) (sizeof(array) / sizeof(array[0]))

/* With 1,000 samples the standard error of a share is 1.6 points at most. */
#define SAMPLES      1000
#define LIMIT_POINTS 6.0

static void check_pattern(WorkPattern pattern) {
        static const unsigned splits[] = { 90, 50, 10 };
        char problem[512] = "";

        for (size_t i = 0; i < N(splits); i++) {
                Shares s;
                int r = shares_measure(pattern, splits[i], 2000, SAMPLES, 20, &s, problem,
                                       sizeof(problem));

                if (r == -EOPNOTSUPP)
                        cr_skip_test("this processor lacks the instructions of %s",
                                     work_pattern_to_string(pattern));
                if (r == -EPERM || r == -EACCES || r == -ENOSYS)
                        cr_skip_test("cannot sample: %s", problem);
                cr_assert_geq(r, 0, "%s: %s", work_pattern_to_string(pattern), problem);
                cr_expect_geq(s.samples, SAMPLES, "%s: only %llu samples",
                              work_pattern_to_string(pattern), (unsigned long long)s.samples);
                cr_expect_leq(fabs(s.percent - splits[i]), LIMIT_POINTS, "%s: %.1f %% of %u %%",
                              work_pattern_to_string(pattern), s.percent, splits[i]);
                cr_expect_geq(s.yield_percent, 90.0,
                              "%s: only %.1f %% of the samples gave an "
                              "address",
                              work_pattern_to_string(pattern), s.yield_percent);
        }
}

Test(shares, random_reads) {
        check_pattern(WORK_RANDOM);
}

Test(shares, pointer_chase) {
        check_pattern(WORK_CHASE);
}

Test(shares, stream) {
        check_pattern(WORK_STREAM);
}

Test(shares, read_modify_write) {
        check_pattern(WORK_WRITE);
}

Test(shares, compare_and_branch) {
        check_pattern(WORK_COMPARE);
}

Test(shares, gather) {
        check_pattern(WORK_GATHER);
}

Test(shares, rep_movs) {
        check_pattern(WORK_COPY);
}
