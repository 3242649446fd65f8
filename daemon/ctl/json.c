/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Deeper than any message of the interface. */
#define DEPTH_MAX 16

static int read_value(sd_bus_message *m, unsigned depth, json_object **ret);

/* The union that sd_bus_message_read_basic() fills. */
typedef union Basic {
        uint8_t y;
        int b;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        double d;
        const char *s;
} Basic;

static int read_basic(sd_bus_message *m, char type, json_object **ret) {
        json_object *o = NULL;
        Basic v;
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        switch (type) {
        case 'y':
                o = json_object_new_int64(v.y);
                break;
        case 'b':
                o = json_object_new_boolean(v.b);
                break;
        case 'n':
                o = json_object_new_int64(v.n);
                break;
        case 'q':
                o = json_object_new_int64(v.q);
                break;
        case 'i':
                o = json_object_new_int64(v.i);
                break;
        case 'u':
                o = json_object_new_int64(v.u);
                break;
        case 'x':
                o = json_object_new_int64(v.x);
                break;
        case 't':
                o = json_object_new_uint64(v.t);
                break;
        case 'd':
                o = json_object_new_double(v.d);
                break;
        case 's':
        case 'o':
        case 'g':
                o = json_object_new_string(v.s);
                break;
        default:
                return -EINVAL;
        }
        if (!o)
                return -ENOMEM;
        *ret = o;
        return 0;
}

static int read_entry(sd_bus_message *m, const char *contents, unsigned depth, json_object *into) {
        cleanup_json json_object *value = NULL;
        const char *key;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'e', contents)) < 0 ||
            (r = sd_bus_message_read_basic(m, 's', &key)) < 0 ||
            (r = read_value(m, depth, &value)) < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        return json_object_object_add(into, key, TAKE_PTR(value)) < 0 ? -ENOMEM : 0;
}

/* Everything up to the end of the open container. */
static int read_members(sd_bus_message *m, const char *contents, unsigned depth, bool dictionary,
                        json_object *into) {
        int r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                cleanup_json json_object *value = NULL;

                if (dictionary) {
                        /* "{sv}" without its braces. */
                        char inner[256];

                        if (strlen(contents) < 2 || strlen(contents) >= sizeof inner)
                                return -EINVAL;
                        memcpy(inner, contents + 1, strlen(contents) - 2);
                        inner[strlen(contents) - 2] = 0;
                        if ((r = read_entry(m, inner, depth, into)) < 0)
                                return r;
                        continue;
                }
                if ((r = read_value(m, depth, &value)) < 0)
                        return r;
                if (json_object_array_add(into, TAKE_PTR(value)) < 0)
                        return -ENOMEM;
        }
        return r < 0 ? r : 0;
}

static int read_container(sd_bus_message *m, char type, const char *contents, unsigned depth,
                          json_object **ret) {
        bool dictionary = type == 'a' && contents[0] == '{' && contents[1] == 's';
        cleanup_json json_object *o = NULL;
        int r;

        if ((r = sd_bus_message_enter_container(m, type, contents)) < 0)
                return r;
        if (type == 'v') {
                r = read_value(m, depth + 1, &o);
        } else {
                o = dictionary ? json_object_new_object() : json_object_new_array();
                if (!o)
                        return -ENOMEM;
                r = read_members(m, contents, depth + 1, dictionary, o);
        }
        if (r < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        *ret = TAKE_PTR(o);
        return 0;
}

static int read_value(sd_bus_message *m, unsigned depth, json_object **ret) {
        const char *contents;
        char type;
        int r;

        if (depth > DEPTH_MAX)
                return -EINVAL;
        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EINVAL;
        return contents ? read_container(m, type, contents, depth, ret) : read_basic(m, type, ret);
}

int json_from_message(sd_bus_message *m, json_object **ret) {
        cleanup_json json_object *all = json_object_new_array();
        int r;

        if (!all)
                return -ENOMEM;
        r = read_members(m, "", 0, false, all);
        if (r < 0)
                return r;
        if (json_object_array_length(all) == 1)
                *ret = json_object_get(json_object_array_get_idx(all, 0));
        else
                *ret = TAKE_PTR(all);
        return 0;
}

static json_object *member(json_object *o, const char *key) {
        return json_object_is_type(o, json_type_object) ? json_object_object_get(o, key) : NULL;
}

const char *json_text(json_object *o, const char *key) {
        json_object *v = member(o, key);

        return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

uint64_t json_u64(json_object *o, const char *key) {
        return json_object_get_uint64(member(o, key));
}

int64_t json_i64(json_object *o, const char *key) {
        return json_object_get_int64(member(o, key));
}

double json_number(json_object *o, const char *key) {
        return json_object_get_double(member(o, key));
}
