/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

#include "ctl/data.h"

/* Metrics as Prometheus text (version 0.0.4), as OpenMetrics text, or as JSON. Pure. */

typedef enum MetricsFormat {
        METRICS_PROMETHEUS,
        METRICS_OPENMETRICS,
        METRICS_JSON,
} MetricsFormat;

typedef enum MetricType {
        METRIC_GAUGE,
        METRIC_COUNTER, /* name without "_total" */
} MetricType;

typedef struct Metrics {
        FILE *f;
        MetricsFormat format;
        const char *name; /* of the family that was begun last */
        MetricType type;
        json_object *rows; /* METRICS_JSON: what was added so far */
        bool failed;
} Metrics;

/* Processes are summed up by unit; at most so many units have labels of their own, the rest is
 * "other". Labels must stay few, for Prometheus keeps each for ever. */
#define METRICS_UNITS_MAX 50

/* Begins; -ENOMEM. */
int metrics_begin(Metrics *m, FILE *f, MetricsFormat format);

/* Begins a family: "numabalancer_" is put before name, "_total" after that of a counter. */
void metrics_family(Metrics *m, const char *name, MetricType type, const char *help);

/* Adds a sample of the family; label names and raw values alternate and end with NULL. */
void metrics_sample(Metrics *m, double value, ...) __attribute__((sentinel));

/* Ends; -EIO, -ENOMEM. */
int metrics_end(Metrics *m);

/* All families. data NULL: the daemon is not there, which is a metric too. */
void metrics_add_all(Metrics *m, const DaemonData *data);
