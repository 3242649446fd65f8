/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/pmu_events.h"
#include "observe/source.h"
#include "records.h"

/* The precise memory events of each CPU with their BPF programs. Not thread-safe. */
typedef struct PreciseEvents PreciseEvents;

typedef void (*PreciseHandler)(const PreciseRecord *record, void *userdata);

/* Loads the programs and opens the selected events. Samples go to the handler from within
 * precise_events_consume. CPUs as in clock_source_new. On failure the negative errno, with a sentence in
 * problem. */
int precise_events_new(PreciseEvents **ret, const SystemRoot *root, const PmuSelection *selection,
                       bool isolated, PreciseHandler handler, void *userdata,
                       char problem[PROBLEM_BYTES]);
PreciseEvents *precise_events_free(PreciseEvents *e); /* NULL-safe, returns NULL */

/* Changes the period of all events. */
int precise_events_set_period(PreciseEvents *e, uint64_t period);
uint64_t precise_events_period(const PreciseEvents *e);

/* CPUs that are sampled. */
unsigned precise_events_cpus(const PreciseEvents *e);

/* Epoll descriptor that becomes readable when the ring is half full. */
int precise_events_get_fd(const PreciseEvents *e);

/* Takes at most max samples out of the ring; returns how many there were or a negative errno. */
int precise_events_consume(PreciseEvents *e, unsigned max);

/* Counts of the programs since they were loaded, over all CPUs. */
int precise_events_read_counts(PreciseEvents *e, PreciseCounts *ret);
