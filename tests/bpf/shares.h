/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/topology.h"
#include "observe/attribute.h"
#include "workload.h"

/* Runs a workload in a child process, samples it with the real clock source and says which share of
 * the sampled accesses went to its first buffer. */
typedef struct Shares {
        double percent;        /* of the weight that fell into either buffer */
        double waited_percent; /* the same of the samples in which the CPU waited */
        double yield_percent;  /* samples that gave an address at all */
        double inside_percent; /* weight that fell into either buffer */
        uint64_t samples;      /* of the child */
        uint64_t rule[ATTRIBUTE_RULE_MAX];
} Shares;

/* Samples until there are min_samples or max_seconds have gone by. Negative errno: of
 * observer_start (with the sentence of observer_describe in problem), of work_init or of fork. */
int shares_measure(WorkPattern pattern, unsigned percent, uint32_t rate_hz, uint64_t min_samples,
                   unsigned max_seconds, Shares *ret, char *problem, unsigned problem_bytes);
