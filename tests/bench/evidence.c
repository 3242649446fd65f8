/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shares.h"

/* How well the clock source sees which memory a program uses, on this machine: programs split their
 * accesses over two buffers in a known proportion; the sampled share is compared with it.
 *   evidence [SAMPLES [HZ]]
 * Exits 1 when a share is off by more than LIMIT_POINTS, 77 when this machine cannot sample. */

#define LIMIT_POINTS 5.0

static uint64_t argument(int argc, char *argv[], int i, uint64_t otherwise) {
        return i < argc ? strtoull(argv[i], NULL, 10) : otherwise;
}

static void print_header(void) {
        printf("%-8s %5s %8s %6s %7s %7s %8s  %s\n", "pattern", "true", "sampled", "error",
               "waited", "yield", "samples", "found by rule");
}

static void print_row(WorkPattern pattern, unsigned percent, const Shares *s) {
        printf("%-8s %4u%% %7.1f%% %+6.1f %6.1f%% %6.1f%% %8llu ", work_pattern_to_string(pattern),
               percent, s->percent, s->percent - percent, s->waited_percent, s->yield_percent,
               (unsigned long long)s->samples);
        for (int i = 0; i < ATTRIBUTE_RULE_MAX; i++)
                if (s->rule[i] > 0)
                        printf(" %s %.0f%%", attribute_rule_to_string((AttributeRule)i),
                               100.0 * (double)s->rule[i] / (double)s->samples);
        printf("\n");
        fflush(stdout);
}

int main(int argc, char *argv[]) {
        static const unsigned splits[] = { 90, 50, 10 };
        uint64_t samples = argument(argc, argv, 1, 2000), rate = argument(argc, argv, 2, 2000);
        char problem[512] = "";
        int status = 0;

        print_header();
        for (int p = 0; p < WORK_PATTERN_MAX; p++)
                for (size_t k = 0; k < sizeof(splits) / sizeof(splits[0]); k++) {
                        Shares s;
                        int r = shares_measure((WorkPattern)p, splits[k], (uint32_t)rate, samples,
                                               30, &s, problem, sizeof(problem));

                        if (r == -EOPNOTSUPP) {
                                printf("%-8s skipped: this processor lacks the instructions\n",
                                       work_pattern_to_string((WorkPattern)p));
                                break;
                        }
                        if (r < 0) {
                                fprintf(stderr, "%s\n", problem);
                                return r == -EPERM || r == -EACCES ? 77 : 1;
                        }
                        print_row((WorkPattern)p, splits[k], &s);
                        if (fabs(s.percent - splits[k]) > LIMIT_POINTS || s.samples < samples)
                                status = 1;
                }
        return status;
}
