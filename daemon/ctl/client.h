/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "ctl/exit_codes.h"

/* The connection to the daemon. Functions print what went wrong to stderr, once, and return the
 * exit code that says so. */
typedef struct Client {
        sd_bus *bus;
        bool ask_password; /* polkit may ask the person at the terminal or desktop */
        bool hold;         /* keep the message instead, while the screen is in use */
        char message[1024];
} Client;

/* Connects to the system bus (or DBUS_SYSTEM_BUS_ADDRESS) and makes sure that the daemon is there.
 * Never starts it. */
ExitCode client_open(Client *c);

/* The same, and the connection keeps messages to itself: hold is set. */
ExitCode client_open_quietly(Client *c);
void client_close(Client *c);

/* Calls a method of org.numabalancer1.Manager with arguments as for sd_bus_message_append; the
 * answer as JSON. ret NULL: the answer is not wanted. */
ExitCode client_call(Client *c, json_object **ret, const char *method, const char *types, ...);
ExitCode client_callv(Client *c, json_object **ret, const char *method, const char *types,
                      va_list ap);

/* All properties of org.numabalancer1.Manager as an object. */
ExitCode client_properties(Client *c, json_object **ret);
