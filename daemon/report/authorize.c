/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A changing call that waits for the bus to say who sent it. Asking takes a round trip, so it is
 * done without blocking. */
typedef struct Pending {
        ReportBus *b;
        sd_bus_message *call;
        AuthorizedCall run;
} Pending;

static void pending_free(void *userdata) {
        Pending *p = userdata;

        p->b->n_pending--;
        sd_bus_message_unref(p->call);
        free(p);
}

/* Root, and the user of the daemon itself, who could as well signal it. */
static bool uid_may_change(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

static int on_sender_known(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Pending *p = userdata;
        uint32_t uid;
        int r;

        /* The caller has left, or the bus has: nobody waits for an answer. */
        if (sd_bus_message_is_method_error(reply, NULL))
                return 1;
        r = sd_bus_message_read(reply, "u", &uid);
        if (r >= 0 && !uid_may_change(uid))
                r = sd_bus_error_set(&error, SD_BUS_ERROR_ACCESS_DENIED,
                                     "Only root may change the state of the daemon");
        if (r >= 0)
                r = sd_bus_message_rewind(p->call, true);
        if (r >= 0)
                r = p->run(p->b, p->call, &error);
        if (r < 0)
                (void)sd_bus_reply_method_errno(p->call, r, &error);
        sd_bus_error_free(&error);
        return 1;
}

int authorize(ReportBus *b, sd_bus_message *m, AuthorizedCall run, sd_bus_error *error) {
        sd_bus_slot *slot = NULL;
        Pending *p;
        int r;

        if (b->n_pending >= BUS_PENDING_MAX)
                return sd_bus_error_set(error, BUS_ERROR_BUSY, "Too many calls wait for an answer");
        p = malloc(sizeof *p);
        if (!p)
                return -ENOMEM;
        *p = (Pending) { .b = b, .call = sd_bus_message_ref(m), .run = run };
        b->n_pending++;
        r = sd_bus_call_method_async(sd_bus_message_get_bus(m), &slot, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionUnixUser", on_sender_known, p, "s",
                                     sd_bus_message_get_sender(m));
        if (r < 0) {
                pending_free(p);
                return r;
        }
        /* From here the slot owns p and the bus owns the slot. */
        sd_bus_slot_set_destroy_callback(slot, pending_free);
        sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return 1;
}
