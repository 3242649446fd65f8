/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"

static inline void json_put(json_object *o) {
        json_object_put(o);
}
DEFINE_CLEANUP(json_object, json_put)
#define cleanup_json cleanup(cleanup_json_putp)

/* What is left of the message as JSON: dictionaries become objects, arrays and structures arrays,
 * variants their content; several values in a row become an array, one stands for itself. -ENOMEM,
 * -EINVAL for types without a JSON form (file descriptors), or what sd-bus says. */
int json_from_message(sd_bus_message *m, json_object **ret);

/* A member of an object; the defaults "", 0 and 0.0 stand for what is missing or null. */
const char *json_text(json_object *o, const char *key);
uint64_t json_u64(json_object *o, const char *key);
int64_t json_i64(json_object *o, const char *key);
double json_number(json_object *o, const char *key);
