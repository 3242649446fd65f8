/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <sys/socket.h>

#include "ctl/exit_codes.h"
#include "ctl/json.h"

static sd_bus *bus;

/* A message can be made and read back on a connection that nobody answers. */
static void set_up(void) {
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        cr_assert_geq(sd_bus_new(&bus), 0);
        cr_assert_geq(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        cr_assert_geq(sd_bus_start(bus), 0);
}

static void tear_down(void) {
        sd_bus_close_unref(bus);
}

TestSuite(json, .init = set_up, .fini = tear_down);

static sd_bus_message *message(void) {
        sd_bus_message *m = NULL;

        cr_assert_geq(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C"), 0);
        return m;
}

static void expect(sd_bus_message *m, const char *text) {
        cleanup_json json_object *o = NULL;

        cr_assert_geq(sd_bus_message_seal(m, 1, 0), 0);
        cr_assert_eq(json_from_message(m, &o), 0);
        cr_assert_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), text);
        sd_bus_message_unref(m);
}

Test(json, basic_types) {
        sd_bus_message *m = message();

        cr_assert_geq(sd_bus_message_append(m, "ybnqiuxtds", 200, 1, -3, 65535, -4, 4000000000u,
                                            INT64_MIN, UINT64_MAX, 0.5, "a\"b"),
                      0);
        expect(m, "[200,true,-3,65535,-4,4000000000,-9223372036854775808,18446744073709551615,"
                  "0.5,\"a\\\"b\"]");
}

Test(json, one_value_stands_for_itself) {
        sd_bus_message *m = message();

        cr_assert_geq(sd_bus_message_append(m, "u", 7), 0);
        expect(m, "7");
}

Test(json, containers) {
        sd_bus_message *m = message();

        cr_assert_geq(sd_bus_message_append(m, "aa{sv}(si)a{st}ai", 2, 2, "a", "t", (uint64_t)1,
                                            "b", "a{st}", 1, "EBUSY", (uint64_t)2, 0, "x", -1, 0,
                                            0),
                      0);
        expect(m, "[[{\"a\":1,\"b\":{\"EBUSY\":2}},{}],[\"x\",-1],{},[]]");
}

Test(json, file_descriptors_are_refused) {
        sd_bus_message *m = message();
        json_object *o = NULL;

        cr_assert_geq(sd_bus_message_append(m, "h", 0), 0);
        cr_assert_geq(sd_bus_message_seal(m, 1, 0), 0);
        cr_assert_lt(json_from_message(m, &o), 0);
        cr_assert_null(o, "not written");
        sd_bus_message_unref(m);
}

Test(json, members) {
        cleanup_json json_object *o = json_tokener_parse("{\"s\":\"x\",\"n\":-5,\"d\":1.5}");

        cr_assert_str_eq(json_text(o, "s"), "x");
        cr_assert_str_eq(json_text(o, "n"), "", "not a string");
        cr_assert_str_eq(json_text(o, "missing"), "");
        cr_assert_str_eq(json_text(NULL, "s"), "");
        cr_assert_eq(json_i64(o, "n"), -5);
        cr_assert_eq(json_u64(o, "missing"), 0);
        cr_assert_eq(json_number(o, "d"), 1.5);
}

Test(exit_codes, follow_the_error) {
        static const struct {
                const char *name;
                ExitCode code;
        } rows[] = {
                { "org.freedesktop.DBus.Error.ServiceUnknown", 3 },
                { "org.freedesktop.DBus.Error.NameHasNoOwner", 3 },
                { "org.freedesktop.DBus.Error.AccessDenied", 4 },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", 4 },
                { "org.numabalancer1.Error.NotAllowed", 5 },
                { "org.numabalancer1.Error.NoSuchProcess", 1 },
                { "org.freedesktop.DBus.Error.NoReply", 1 },
                { NULL, 1 },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                cr_assert_eq(exit_code_from_error(rows[i].name), rows[i].code, "%s", rows[i].name);
}
