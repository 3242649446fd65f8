/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "model/topology.h"

/* Appends pairs {sv} to an open dictionary of a message; 0 or more, or a negative errno. */
int append_text(sd_bus_message *m, const char *key, const char *raw); /* escaped */
int append_u32(sd_bus_message *m, const char *key, uint32_t value);
int append_u64(sd_bus_message *m, const char *key, uint64_t value);
int append_double(sd_bus_message *m, const char *key, double value); /* NaN, infinity: 0 */
int append_node(sd_bus_message *m, const char *key, const Topology *t, int index);

/* Arrays ai, ad and at of n values. */
int append_i32s(sd_bus_message *m, const char *key, const int32_t *values, size_t n);
int append_doubles(sd_bus_message *m, const char *key, const double *values, size_t n);
int append_u64s(sd_bus_message *m, const char *key, const uint64_t *values, size_t n);

/* Returns from the calling function when an append failed: what follows would be pointless. */
#define TRY(expression)                                                                            \
        ({                                                                                         \
                int r_ = (expression);                                                             \
                if (r_ < 0)                                                                        \
                        return r_;                                                                 \
        })
