/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/append.h"

#include <math.h>

#include "base/escape.h"
#include "model/limits.h"

static double finite_or_zero(double value) {
        return isfinite(value) ? value : 0;
}

static int append_text(void *m, const char *key, const char *raw) {
        char text[ESCAPE_BYTES(UNIT_BYTES)];

        escape_string(text, sizeof text, raw ?: "");
        return sd_bus_message_append(m, "{sv}", key, "s", text);
}

static int append_i32(void *m, const char *key, int32_t value) {
        return sd_bus_message_append(m, "{sv}", key, "i", value);
}

static int append_u32(void *m, const char *key, uint32_t value) {
        return sd_bus_message_append(m, "{sv}", key, "u", value);
}

static int append_u64(void *m, const char *key, uint64_t value) {
        return sd_bus_message_append(m, "{sv}", key, "t", value);
}

static int append_number(void *m, const char *key, double value) {
        return sd_bus_message_append(m, "{sv}", key, "d", finite_or_zero(value));
}

/* Opens {s v(ax)}; the caller appends the elements and closes with end_array(). */
static int begin_array(sd_bus_message *m, const char *key, const char *type) {
        char array[3] = { 'a', type[0], 0 };

        TRY(sd_bus_message_open_container(m, 'e', "sv"));
        TRY(sd_bus_message_append_basic(m, 's', key));
        TRY(sd_bus_message_open_container(m, 'v', array));
        return sd_bus_message_open_container(m, 'a', type);
}

static int end_array(sd_bus_message *m) {
        TRY(sd_bus_message_close_container(m));
        TRY(sd_bus_message_close_container(m));
        return sd_bus_message_close_container(m);
}

static int append_i32s(void *m, const char *key, const int32_t *values, size_t n) {
        TRY(begin_array(m, key, "i"));
        for (size_t i = 0; i < n; i++)
                TRY(sd_bus_message_append_basic(m, 'i', &values[i]));
        return end_array(m);
}

static int append_u64s(void *m, const char *key, const uint64_t *values, size_t n) {
        TRY(begin_array(m, key, "t"));
        for (size_t i = 0; i < n; i++)
                TRY(sd_bus_message_append_basic(m, 't', &values[i]));
        return end_array(m);
}

static int append_numbers(void *m, const char *key, const double *values, size_t n) {
        TRY(begin_array(m, key, "d"));
        for (size_t i = 0; i < n; i++) {
                double value = finite_or_zero(values[i]);

                TRY(sd_bus_message_append_basic(m, 'd', &value));
        }
        return end_array(m);
}

FieldWriter append_writer(sd_bus_message *m) {
        return (FieldWriter) {
                .text = append_text,
                .i32 = append_i32,
                .u32 = append_u32,
                .u64 = append_u64,
                .number = append_number,
                .i32s = append_i32s,
                .u64s = append_u64s,
                .numbers = append_numbers,
                .to = m,
        };
}
