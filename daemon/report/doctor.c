/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "report/append.h"
#include "report/bus.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)
DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define cleanup_message cleanup(cleanup_sd_bus_message_unrefp)

bool doctor_print(FILE *f, const Finding *findings, size_t n) {
        size_t count[FINDING_STATE_MAX] = { 0 };

        for (size_t i = 0; i < n; i++) {
                const Finding *x = &findings[i];

                count[x->state]++;
                fprintf(f, "%-8s %s\n", finding_state_to_string(x->state), x->found);
                if (*x->effect)
                        fprintf(f, "         effect: %s\n", x->effect);
                if (*x->fix)
                        fprintf(f, "         help:   %s\n", x->fix);
        }
        if (count[FINDING_MISSING] > 0)
                fprintf(f, "The daemon cannot act: %zu missing.\n", count[FINDING_MISSING]);
        else if (count[FINDING_LIMITED] > 0)
                fprintf(f, "The daemon can act, within limits: %zu.\n", count[FINDING_LIMITED]);
        else
                fprintf(f, "The daemon can act.\n");
        return count[FINDING_MISSING] == 0;
}

static FindingState state_from_string(const char *s) {
        for (int i = 0; i < FINDING_STATE_MAX; i++)
                if (strcmp(s, finding_state_to_string((FindingState)i)) == 0)
                        return (FindingState)i;
        return FINDING_MISSING;
}

/* The texts point into the message; they are copied into one block that outlives it. */
static int read_findings(sd_bus_message *reply, Finding *ret, size_t max, size_t *ret_n,
                         char **ret_owner) {
        const char *id, *state, *found, *effect, *fix;
        cleanup_free char *owner = NULL;
        size_t n = 0, size = 0;
        FILE *f;
        int r;

        TRY(sd_bus_message_enter_container(reply, 'a', "(sssss)"));
        f = open_memstream(&owner, &size);
        if (!f)
                return -ENOMEM;
        while (n < max && (r = sd_bus_message_read(reply, "(sssss)", &id, &state, &found, &effect,
                                                   &fix)) > 0) {
                ret[n] = (Finding) { .state = state_from_string(state) };
                snprintf(ret[n].found, sizeof ret[n].found, "%s", found);
                fprintf(f, "%s%c%s%c%s%c", id, 0, effect, 0, fix, 0);
                n++;
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        for (size_t i = 0, at = 0; i < n; i++) {
                ret[i].id = owner + at;
                at += strlen(owner + at) + 1;
                ret[i].effect = owner + at;
                at += strlen(owner + at) + 1;
                ret[i].fix = owner + at;
                at += strlen(owner + at) + 1;
        }
        *ret_n = n;
        *ret_owner = TAKE_PTR(owner);
        return 0;
}

int doctor_ask_daemon(Finding *ret, size_t max, size_t *ret_n, char **ret_owner) {
        cleanup(cleanup_sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        cleanup_message sd_bus_message *owned = NULL, *call = NULL, *reply = NULL;
        int there = 0;

        TRY(sd_bus_open_system(&bus));
        TRY(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", NULL, &owned, "s",
                               BUS_NAME));
        TRY(sd_bus_message_read(owned, "b", &there));
        if (!there)
                return -ENOENT;
        TRY(sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE,
                                           "Diagnose"));
        TRY(sd_bus_message_set_auto_start(call, false));
        TRY(sd_bus_call(bus, call, 0, NULL, &reply));
        return read_findings(reply, ret, max, ret_n, ret_owner);
}
