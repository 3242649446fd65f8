/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/source.h"
#include "observe/tally.h"
#include "records.h"
#include "system/root.h"

/* The clock source: a software cpu-clock event on each CPU whose BPF program counts CPU time and
 * hands over registers and code of user threads. Not thread-safe. */
typedef struct ClockSource ClockSource;

typedef void (*ClockSampleHandler)(const SampleRecord *record, void *userdata);

/* Loads the program and opens the events at rate_hz per CPU. CPUs that are isolated or nohz_full
 * are left out unless `isolated`: a timer there would disturb what they were set apart for. Samples go to the handler
 * from within clock_source_consume. On failure the negative errno, with a sentence in problem. */
int clock_source_new(ClockSource **ret, const SystemRoot *root, uint32_t rate_hz, bool isolated,
                     ClockSampleHandler handler, void *userdata, char problem[PROBLEM_BYTES]);

/* Closes events and program. NULL-safe, returns NULL. */
ClockSource *clock_source_free(ClockSource *c);

/* Changes the rate of all events, and how many user-mode ticks go by for each sample that is handed
 * over (1: all are); needs no privilege. */
int clock_source_set_rate(ClockSource *c, uint32_t rate_hz, uint32_t stride);

/* Reads which CPUs are online and drops or opens events where that has changed: 1 when it has, else 0 or a
 * negative errno. Opening may need privileges that the process has given up: then the CPU counts as
 * refused until it goes offline. */
int clock_source_follow_cpus(ClockSource *c, const SystemRoot *root);
unsigned clock_source_cpus_refused(const ClockSource *c);

/* Whether samples of this process are handed over; its CPU time counts either way. -E2BIG: too many. */
int clock_source_exclude(ClockSource *c, ProcessId id, bool excluded);

/* CPUs that are sampled, and online CPUs that are not. */
unsigned clock_source_cpus(const ClockSource *c);
unsigned clock_source_cpus_left_out(const ClockSource *c);

/* Epoll descriptor that becomes readable when the ring is half full. */
int clock_source_get_fd(const ClockSource *c);

/* Takes at most max samples out of the ring; returns how many there were or a negative errno. */
int clock_source_consume(ClockSource *c, unsigned max);

/* Hands over (CpuTimeKey, CpuTime) and clears the CPU time counted since the last call. */
int clock_source_drain_time(ClockSource *c, MapEntryHandler handler, void *userdata);

/* Counts of the program since it was loaded, over all CPUs. */
int clock_source_read_counts(ClockSource *c, ClockCounts *ret);
