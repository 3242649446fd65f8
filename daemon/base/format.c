/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

static const char *format_unit(char *buffer, uint64_t value, const Unit *units, size_t n) {
        if (value == 0)
                return strcpy(buffer, "0");
        for (size_t i = 0; i < n; i++)
                if (value % units[i].factor == 0) {
                        snprintf(buffer, FORMAT_BYTES, "%" PRIu64 "%s", value / units[i].factor,
                                 units[i].name);
                        break;
                }
        return buffer;
}

const char *format_size(char buffer[static FORMAT_BYTES], uint64_t bytes) {
        static const Unit units[] = {
                { "T", 1ull << 40 }, { "G", 1ull << 30 }, { "M", 1ull << 20 },
                { "K", 1ull << 10 }, { "B", 1ull },
        };

        return format_unit(buffer, bytes, units, sizeof(units) / sizeof(units[0]));
}

const char *format_duration(char buffer[static FORMAT_BYTES], uint64_t ns) {
        static const Unit units[] = {
                { "d", 24 * 3600 * 1000000000ull },
                { "h", 3600 * 1000000000ull },
                { "min", 60 * 1000000000ull },
                { "s", 1000000000ull },
                { "ms", 1000000ull },
                { "us", 1000ull },
                { "ns", 1ull },
        };

        return format_unit(buffer, ns, units, sizeof(units) / sizeof(units[0]));
}

const char *format_double(char buffer[static FORMAT_BYTES], double value) {
        /* 17 significant digits always read back to the same double; fewer mostly do. */
        for (int digits = 1; digits <= 17; digits++) {
                snprintf(buffer, FORMAT_BYTES, "%.*g", digits, value);
                if (strtod(buffer, NULL) == value)
                        break;
        }
        /* "30" would read back as an integer, and "3e+01" is no form for a person. */
        if (strchr(buffer, 'e') && value > -1e15 && value < 1e15) {
                char plain[FORMAT_BYTES];

                snprintf(plain, sizeof(plain), "%.1f", value);
                if (strtod(plain, NULL) == value)
                        strcpy(buffer, plain);
        }
        /* Every reader of decimals takes "1.0e+300", not every one "1e+300". */
        if (!strchr(buffer, '.')) {
                size_t length = strcspn(buffer, "e");

                memmove(buffer + length + 2, buffer + length, strlen(buffer + length) + 1);
                memcpy(buffer + length, ".0", 2);
        }
        return buffer;
}
