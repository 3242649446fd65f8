/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>

#include "base/format.h"
#include "base/mathx.h"
#include "ctl/json.h"

#define PREFIX "numabalancer_"

int metrics_begin(Metrics *m, FILE *f, MetricsFormat format) {
        *m = (Metrics) { .f = f, .format = format };
        if (format == METRICS_JSON && !(m->rows = json_object_new_array()))
                return -ENOMEM;
        return 0;
}

static const char *suffix(const Metrics *m) {
        return m->type == METRIC_COUNTER ? "_total" : "";
}

void metrics_family(Metrics *m, const char *name, MetricType type, const char *help) {
        /* OpenMetrics names the family of a counter without the suffix of its samples. */
        const char *family_suffix =
                type == METRIC_COUNTER && m->format == METRICS_PROMETHEUS ? "_total" : "";

        m->name = name;
        m->type = type;
        if (m->format == METRICS_JSON)
                return;
        fprintf(m->f, "# HELP " PREFIX "%s%s %s\n", name, family_suffix, help);
        fprintf(m->f, "# TYPE " PREFIX "%s%s %s\n", name, family_suffix,
                type == METRIC_COUNTER ? "counter" : "gauge");
}

static void write_label(FILE *f, const char *value) {
        for (; *value; value++)
                if (*value == '\\' || *value == '"')
                        fprintf(f, "\\%c", *value);
                else if (*value == '\n')
                        fputs("\\n", f);
                else
                        fputc(*value, f);
}

static void sample_text(Metrics *m, double value, va_list ap) {
        char number[FORMAT_BYTES];
        const char *label;
        bool first = true;

        fprintf(m->f, PREFIX "%s%s", m->name, suffix(m));
        while ((label = va_arg(ap, const char *))) {
                fprintf(m->f, "%s%s=\"", first ? "{" : ",", label);
                write_label(m->f, va_arg(ap, const char *));
                fputc('"', m->f);
                first = false;
        }
        /* Counters are whole numbers, and read better without a fraction. */
        if (value == (double)double_to_u64(value) && value < 9e15)
                fprintf(m->f, "%s %.0f\n", first ? "" : "}", value);
        else
                fprintf(m->f, "%s %s\n", first ? "" : "}", format_double(number, value));
}

static int sample_json(Metrics *m, double value, va_list ap) {
        cleanup_json json_object *labels = json_object_new_object();
        cleanup_json json_object *row = json_object_new_object();
        const char *label;
        char name[128];

        if (!labels || !row)
                return -ENOMEM;
        while ((label = va_arg(ap, const char *)))
                if (json_object_object_add(labels, label,
                                           json_object_new_string(va_arg(ap, const char *))) < 0)
                        return -ENOMEM;
        snprintf(name, sizeof name, PREFIX "%s%s", m->name, suffix(m));
        if (json_object_object_add(row, "name", json_object_new_string(name)) < 0 ||
            json_object_object_add(row, "labels", TAKE_PTR(labels)) < 0 ||
            json_object_object_add(row, "value", json_object_new_double(value)) < 0 ||
            json_object_array_add(m->rows, TAKE_PTR(row)) < 0)
                return -ENOMEM;
        return 0;
}

void metrics_sample(Metrics *m, double value, ...) {
        va_list ap;

        va_start(ap, value);
        if (!isfinite(value))
                value = 0;
        if (m->format != METRICS_JSON)
                sample_text(m, value, ap);
        else if (sample_json(m, value, ap) < 0)
                m->failed = true;
        va_end(ap);
}

int metrics_end(Metrics *m) {
        bool failed = m->failed;

        if (m->format == METRICS_OPENMETRICS)
                fputs("# EOF\n", m->f);
        if (m->format == METRICS_JSON)
                fprintf(m->f, "%s\n",
                        json_object_to_json_string_ext(
                                m->rows, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(m->rows);
        m->rows = NULL;
        if (fflush(m->f) != 0 || ferror(m->f))
                return -EIO;
        return failed ? -ENOMEM : 0;
}
