/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/distances.h"

#include <errno.h>
#include <inttypes.h>

static bool is_row(const config_setting_t *s) {
        return config_setting_is_list(s) || config_setting_is_array(s);
}

static int apply_row(const char *path, const config_setting_t *row, unsigned from, unsigned n,
                     Settings *settings, ConfigError *error) {
        unsigned line = config_setting_source_line(row);

        if (!is_row(row) || (unsigned)config_setting_length(row) != n)
                return config_error(error, -EBADMSG, path, line,
                                    "distances: each of the %u rows must have %u numbers", n, n);
        for (unsigned to = 0; to < n; to++) {
                const config_setting_t *item = config_setting_get_elem(row, to);
                long long value;

                if (config_setting_type(item) != CONFIG_TYPE_INT &&
                    config_setting_type(item) != CONFIG_TYPE_INT64)
                        return config_error(error, -EBADMSG, path, line,
                                            "distances: each must be a whole number");
                value = config_setting_get_int64(item);
                if (value < DISTANCE_MIN || value > DISTANCE_MAX)
                        return config_error(error, -EBADMSG, path, line,
                                            "distances: %lld is not allowed; allowed are %d to %d",
                                            value, DISTANCE_MIN, DISTANCE_MAX);
                if (from == to && value != DISTANCE_MIN)
                        return config_error(error, -EBADMSG, path, line,
                                            "distances: a node is at %d from itself, not %lld",
                                            DISTANCE_MIN, value);
                settings->distances[from][to] = (uint16_t)value;
        }
        return 0;
}

int distances_apply(const char *path, const config_setting_t *list, Settings *settings,
                    ConfigError *error) {
        unsigned line = config_setting_source_line(list);
        int n;

        if (!config_setting_is_list(list))
                return config_error(
                        error, -EBADMSG, path, line,
                        "distances: it must be a list of rows ( ( 10, 17 ), ( 17, 10 ) )");
        n = config_setting_length(list);
        if (n > NODES_MAX)
                return config_error(error, -EBADMSG, path, line, "distances: more than %d rows",
                                    NODES_MAX);
        settings->n_distances = (uint32_t)n;
        for (unsigned i = 0; i < (unsigned)n; i++) {
                int r = apply_row(path, config_setting_get_elem(list, i), i, (unsigned)n, settings,
                                  error);

                if (r < 0)
                        return r;
        }
        return 0;
}

void distances_print(FILE *f, const Settings *settings) {
        if (settings->n_distances == 0)
                return;
        fputs("distances = (\n", f);
        for (uint32_t i = 0; i < settings->n_distances; i++) {
                for (uint32_t j = 0; j < settings->n_distances; j++)
                        fprintf(f, "%s%u", j ? ", " : "        ( ", settings->distances[i][j]);
                fprintf(f, " )%s\n", i + 1 < settings->n_distances ? "," : "");
        }
        fputs(");\n", f);
}
