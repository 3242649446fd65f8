/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/topology.h"
#include "model/view.h"
#include "report/history.h"

/* What the control interface tells of a process, a job, a node or an interval, field by field: the one
 * home of these names, for messages on the bus and for the lines of Dump. */

/* Takes the fields, in the order they are told. Each function returns 0 or more, or a negative errno,
 * which ends the telling. Text is raw: the writer escapes it. Numbers may be NaN: not known. */
typedef struct FieldWriter {
        int (*text)(void *to, const char *key, const char *raw);
        int (*i32)(void *to, const char *key, int32_t value);
        int (*u32)(void *to, const char *key, uint32_t value);
        int (*u64)(void *to, const char *key, uint64_t value);
        int (*number)(void *to, const char *key, double value);
        int (*i32s)(void *to, const char *key, const int32_t *values, size_t n);
        int (*u64s)(void *to, const char *key, const uint64_t *values, size_t n);
        int (*numbers)(void *to, const char *key, const double *values, size_t n);
        void *to;
} FieldWriter;

/* A process as lists show it, and the numbers behind its verdict. */
int fields_process(const FieldWriter *w, const ProcessRow *row, const Topology *t);
int fields_verdict(const FieldWriter *w, const ProcessRow *row, const Topology *t);

/* Where it accesses memory and where its memory is, as far as that is known. */
int fields_detail(const FieldWriter *w, const ProcessDetail *d, const Topology *t);

/* A job that ended, and one that has not; now_ns is CLOCK_MONOTONIC. */
int fields_ended(const FieldWriter *w, const HistoryJob *j, const Topology *t);
int fields_unfinished(const FieldWriter *w, const Outcome *o, const Topology *t, uint64_t now_ns);

/* Node i. */
int fields_node(const FieldWriter *w, const MachineView *v, uint32_t i, const Topology *t,
                uint64_t now_ns);

int fields_interval(const FieldWriter *w, const HistoryRow *h);

/* Returns from the calling function when an expression is negative: what follows would be pointless. */
#define TRY(expression)                                                                            \
        ({                                                                                         \
                int r_ = (expression);                                                             \
                if (r_ < 0)                                                                        \
                        return r_;                                                                 \
        })
