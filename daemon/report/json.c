/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/escape.h"

/* Ends the telling once nobody listens any more. */
static int state_of(FILE *f) {
        return ferror(f) ? -EIO : 0;
}

/* What escape_string() made of control characters are backslashes to JSON. */
static int json_text(void *to, const char *key, const char *raw) {
        char text[ESCAPE_BYTES(1024)];
        FILE *f = to;

        escape_string(text, sizeof text, raw ?: "");
        fprintf(f, ",\"%s\":\"", key);
        for (const char *p = text; *p; p++) {
                if (*p == '"' || *p == '\\')
                        fputc('\\', f);
                fputc(*p, f);
        }
        fputc('"', f);
        return state_of(f);
}

static int json_i32(void *to, const char *key, int32_t value) {
        fprintf(to, ",\"%s\":%" PRIi32, key, value);
        return state_of(to);
}

static int json_u64(void *to, const char *key, uint64_t value) {
        fprintf(to, ",\"%s\":%" PRIu64, key, value);
        return state_of(to);
}

static int json_u32(void *to, const char *key, uint32_t value) {
        return json_u64(to, key, value);
}

static int json_number(void *to, const char *key, double value) {
        if (isfinite(value))
                fprintf(to, ",\"%s\":%.9g", key, value);
        return state_of(to);
}

#define JSON_ARRAY(format, value)                                                                  \
        fprintf(to, ",\"%s\":[", key);                                                             \
        for (size_t i = 0; i < n; i++)                                                             \
                fprintf(to, "%s" format, i ? "," : "", (value));                                   \
        fputc(']', to);                                                                            \
        return state_of(to)

static int json_i32s(void *to, const char *key, const int32_t *values, size_t n) {
        JSON_ARRAY("%" PRIi32, values[i]);
}

static int json_u64s(void *to, const char *key, const uint64_t *values, size_t n) {
        JSON_ARRAY("%" PRIu64, values[i]);
}

static int json_numbers(void *to, const char *key, const double *values, size_t n) {
        JSON_ARRAY("%.9g", isfinite(values[i]) ? values[i] : 0);
}

FieldWriter json_writer(FILE *f) {
        return (FieldWriter) {
                .text = json_text,
                .i32 = json_i32,
                .u32 = json_u32,
                .u64 = json_u64,
                .number = json_number,
                .i32s = json_i32s,
                .u64s = json_u64s,
                .numbers = json_numbers,
                .to = f,
        };
}
