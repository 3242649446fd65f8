/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "helper/tunables.h"

#define N(array) (sizeof(array) / sizeof(array[0]))

Test(tunables, what_is_wanted) {
        static const struct {
                Tunable tunable;
                KernelBalancing balancing;
                uint64_t present;
                int64_t wanted; /* -1: nothing */
        } rows[] = {
                { TUNABLE_BALANCING, BALANCING_LEAVE, 1, -1 },
                { TUNABLE_BALANCING, BALANCING_OFF, 0, 0 },
                { TUNABLE_BALANCING, BALANCING_OFF, 1, 0 },
                { TUNABLE_BALANCING, BALANCING_OFF, 2, 2 }, /* tiering is not ours */
                { TUNABLE_BALANCING, BALANCING_OFF, 3, 2 },
                { TUNABLE_BALANCING, BALANCING_SAMPLE, 0, 1 },
                { TUNABLE_BALANCING, BALANCING_SAMPLE, 1, 1 },
                { TUNABLE_BALANCING, BALANCING_SAMPLE, 2, 3 },
                { TUNABLE_SCAN_PERIOD_MIN, BALANCING_LEAVE, 1000, -1 },
                { TUNABLE_SCAN_PERIOD_MIN, BALANCING_OFF, 1000, -1 },
                { TUNABLE_SCAN_PERIOD_MIN, BALANCING_SAMPLE, 1000, 60000 },
                { TUNABLE_SCAN_PERIOD_MAX, BALANCING_SAMPLE, 60000, 60000 },
                { TUNABLE_SCAN_DELAY, BALANCING_SAMPLE, 1000, 10000 },
                { TUNABLE_SCAN_SIZE, BALANCING_SAMPLE, 256, 16 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                uint64_t wanted = 0;
                bool some = tunable_wanted(rows[i].tunable, rows[i].balancing, rows[i].present,
                                           &wanted);

                cr_expect_eq(some ? (int64_t)wanted : -1, rows[i].wanted, "row %zu: %" PRIu64, i,
                             wanted);
        }
}

Test(tunables, only_these_places) {
        for (int i = 0; i < TUNABLE_MAX; i++) {
                const char *path;
                size_t k;

                cr_expect_eq(tunable_from_string(tunable_to_string((Tunable)i)), i);
                for (k = 0; (path = tunable_path((Tunable)i, k)); k++)
                        cr_expect(strncmp(path, "proc/sys/kernel/numa_balancing", 30) == 0 ||
                                          strncmp(path, "sys/kernel/debug/sched/numa_balancing/",
                                                  38) == 0,
                                  "%s", path);
                cr_expect_gt(k, 0);
        }
        cr_expect_lt(tunable_from_string("kernel.panic"), 0);
        cr_expect_lt(tunable_from_string(""), 0);
}

Test(tunables, state_survives_its_text) {
        Saved saved[TUNABLE_MAX] = {
                [TUNABLE_BALANCING] = { true, 1, 0 },
                [TUNABLE_SCAN_SIZE] = { true, INT32_MAX, 16 },
        };
        Saved read[TUNABLE_MAX];
        char text[STATE_BYTES_MAX];

        cr_assert_eq(saved_format(saved, text), strlen(text));
        cr_assert_eq(saved_parse(text, read), 0, "%s", text);
        for (int i = 0; i < TUNABLE_MAX; i++) {
                cr_expect_eq(read[i].taken, saved[i].taken, "%d", i);
                cr_expect_eq(read[i].before, saved[i].before, "%d", i);
                cr_expect_eq(read[i].written, saved[i].written, "%d", i);
        }
        for (int i = 0; i < TUNABLE_MAX; i++)
                saved[i] = (Saved) { true, INT32_MAX, INT32_MAX };
        cr_assert_lt(saved_format(saved, text), STATE_BYTES_MAX - 1, "the largest state fits");
        cr_assert_eq(saved_parse(text, read), 0);
}

/* Good lines of a damaged file count, everything else is passed over. */
Test(tunables, hostile_state) {
        static const struct {
                const char *text;
                unsigned bad;
                int taken; /* of kernel.numa_balancing: its value before, or -1 */
        } rows[] = {
                { "", 0, -1 },
                { "kernel.numa_balancing 1 0\n", 0, 1 },
                { "kernel.numa_balancing 1 0", 1, -1 }, /* 0 may have been 01 */
                { "kernel.numa_balancing 1 0\nscan_size_mb 25", 1, 1 },
                { "kernel.numa_balancing 1\n", 1, -1 },
                { "kernel.numa_balancing 1 0 2\n", 1, -1 },
                { "kernel.numa_balancing -1 0\n", 1, -1 },
                { "kernel.numa_balancing 1 99999999999999999999\n", 1, -1 },
                { "kernel.numa_balancing 2147483648 0\n", 1, -1 },
                { "kernel.numa_balancing  1 0\n", 1, -1 },
                { " kernel.numa_balancing 1 0\n", 1, -1 },
                { "kernel.core_pattern 1 0\n", 1, -1 },
                { "../kernel/panic 1 0\nkernel.numa_balancing 1 0\n", 1, 1 },
                { "kernel.numa_balancing 1 0\nkernel.numa_balancing 3 2\n", 1, 1 },
                { "\n\nkernel.numa_balancing 1 0\n", 2, 1 },
                { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
                  "1 1"
                  "\nkernel.numa_balancing 1 0\n",
                  1, 1 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                Saved read[TUNABLE_MAX];
                unsigned bad = saved_parse(rows[i].text, read);
                const Saved *s = &read[TUNABLE_BALANCING];

                cr_expect_eq(bad, rows[i].bad, "<%s>: %u bad lines", rows[i].text, bad);
                cr_expect_eq(s->taken ? (int)s->before : -1, rows[i].taken, "<%s>", rows[i].text);
        }
}
