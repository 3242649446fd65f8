/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"
#include "system/root.h"

/* What the sources that sample with perf events have in common. */

typedef struct CpuSet {
        uint64_t words[CPUS_MAX / 64];
} CpuSet;

/* A list of CPUs below sys. -ENOENT: there is none. */
int perf_read_cpus(const SystemRoot *root, const char *path, CpuSet *ret);

/* Online CPUs without those set apart, unless they are wanted; their number in *ret_left_out. */
int perf_sampled_cpus(const SystemRoot *root, bool isolated, CpuSet *ret, unsigned *ret_left_out);

/* Sentences for the errors of perf_event_open and of loading a program; problem has PROBLEM_BYTES. */
void perf_explain_open(const SystemRoot *root, int error, char *problem);
void perf_explain_load(int error, char *problem);

/* Size of a ring for the samples of so many CPUs: a power of 2. */
uint32_t perf_ring_bytes(unsigned n_cpus);
