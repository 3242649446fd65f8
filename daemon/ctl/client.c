/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "ctl/json.h"

#define SERVICE   "org.numabalancer1"
#define OBJECT    "/org/numabalancer1"
#define INTERFACE "org.numabalancer1.Manager"

/* Longer than the daemon waits for polkit, so that its answer is the one that is heard. */
#define ASK_TIMEOUT_USEC UINT64_C(130000000)

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define cleanup_message cleanup(cleanup_sd_bus_message_unrefp)
#define cleanup_error   cleanup(sd_bus_error_free)

__attribute__((format(printf, 2, 3))) static void say(Client *c, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(c->message, sizeof c->message, format, ap);
        va_end(ap);
        if (!c->hold)
                fputs(c->message, stderr);
}

/* 1 when somebody owns the daemon's name, 0 when nobody does; never starts it. */
static int daemon_is_there(Client *c, sd_bus_error *ret_error) {
        cleanup_message sd_bus_message *reply = NULL;
        int r, owned;

        r = sd_bus_call_method(c->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", ret_error, &reply, "s",
                               SERVICE);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &owned);
        return r < 0 ? r : owned;
}

static ExitCode fail(Client *c, int r, const sd_bus_error *error, const char *what) {
        char text[768];

        /* A daemon that left before it answered is not there either. */
        if (error && (exit_code_from_error(error->name) == EXIT_NOT_RUNNING ||
                      (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) &&
                       daemon_is_there(c, NULL) == 0))) {
                say(c, "numabalancerd is not running.\n");
                return EXIT_NOT_RUNNING;
        }
        escape_string(text, sizeof text, error && error->message ? error->message : strerror(-r));
        say(c, "%s: %s\n", what, text);
        return error && error->name ? exit_code_from_error(error->name) : EXIT_FAILED;
}

static ExitCode connect_client(Client *c) {
        cleanup_error sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_open_system(&c->bus);
        if (r < 0) {
                say(c, "The system bus cannot be reached: %s\n", strerror(-r));
                return EXIT_FAILED;
        }
        r = daemon_is_there(c, &error);
        if (r < 0)
                return fail(c, r, &error, "The system bus does not answer");
        if (r == 0) {
                say(c, "numabalancerd is not running.\n");
                return EXIT_NOT_RUNNING;
        }
        return EXIT_DONE;
}

ExitCode client_open(Client *c) {
        *c = (Client) { 0 };
        return connect_client(c);
}

ExitCode client_open_quietly(Client *c) {
        *c = (Client) { .hold = true };
        return connect_client(c);
}

void client_close(Client *c) {
        c->bus = sd_bus_flush_close_unref(c->bus);
}

/* Sends m and turns the answer into JSON. Sending moves the message in memory, so its method is named
 * by the caller. */
static ExitCode client_send(Client *c, sd_bus_message *m, const char *method, json_object **ret) {
        cleanup_error sd_bus_error error = SD_BUS_ERROR_NULL;
        cleanup_message sd_bus_message *reply = NULL;
        int r;

        (void)sd_bus_message_set_auto_start(m, false);
        (void)sd_bus_message_set_allow_interactive_authorization(m, c->ask_password);
        r = sd_bus_call(c->bus, m, c->ask_password ? ASK_TIMEOUT_USEC : 0, &error, &reply);
        if (r < 0)
                return fail(c, r, &error, method);
        if (!ret)
                return EXIT_DONE;
        r = json_from_message(reply, ret);
        return r < 0 ? fail(c, r, NULL, method) : EXIT_DONE;
}

ExitCode client_callv(Client *c, json_object **ret, const char *method, const char *types,
                      va_list ap) {
        cleanup_message sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(c->bus, &m, SERVICE, OBJECT, INTERFACE, method);
        if (r >= 0 && types)
                r = sd_bus_message_appendv(m, types, ap);
        if (r < 0)
                return fail(c, r, NULL, method);
        return client_send(c, m, method, ret);
}

ExitCode client_call(Client *c, json_object **ret, const char *method, const char *types, ...) {
        ExitCode code;
        va_list ap;

        va_start(ap, types);
        code = client_callv(c, ret, method, types, ap);
        va_end(ap);
        return code;
}

ExitCode client_properties(Client *c, json_object **ret) {
        cleanup_message sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(c->bus, &m, SERVICE, OBJECT,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", INTERFACE);
        if (r < 0)
                return fail(c, r, NULL, "GetAll");
        return client_send(c, m, "GetAll", ret);
}
