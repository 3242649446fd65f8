/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/escape.h"
#include "model/limits.h"
#include "report/append.h"

/* Who may change something: first the bus is asked for the user of the caller; root and the daemon's own
 * user may. For others polkit is asked, where there is one. Neither question blocks the loop. */

/* polkit answers when a person has typed a password. */
#define POLKIT_TIMEOUT_USEC UINT64_C(120000000)

/* CheckAuthorizationFlags: AllowUserInteraction. */
#define POLKIT_INTERACTIVE 1u

struct Pending {
        ReportBus *b;
        sd_bus_message *call;
        AuthorizedCall run;
        const char *action;
        pid_t pid;   /* of the process that it is about; 0: none */
        bool polkit; /* the second question is under way */
        Pending *previous;
        Pending *next;
};

/* A copy of `model` that holds a reference of its own; NULL: no memory. */
static Pending *pending_new(const Pending *model) {
        Pending *p = malloc(sizeof *p);

        if (!p)
                return NULL;
        *p = *model;
        sd_bus_message_ref(p->call);
        p->previous = NULL;
        p->next = p->b->pending;
        if (p->next)
                p->next->previous = p;
        p->b->pending = p;
        if (p->polkit)
                p->b->n_polkit++;
        else
                p->b->n_pending++;
        return p;
}

static void pending_free(void *userdata) {
        Pending *p = userdata;

        if (p->polkit)
                p->b->n_polkit--;
        else
                p->b->n_pending--;
        if (p->next)
                p->next->previous = p->previous;
        if (p->previous)
                p->previous->next = p->next;
        else
                p->b->pending = p->next;
        sd_bus_message_unref(p->call);
        free(p);
}

void authorize_abandon(ReportBus *b) {
        for (Pending *p = b->pending; p; p = p->next)
                p->call = sd_bus_message_unref(p->call);
}

/* Hands the pending call over to the bus, which frees it with the slot. */
static void pending_give(Pending *p, sd_bus_slot *slot) {
        sd_bus_slot_set_destroy_callback(slot, pending_free);
        sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
}

/* Root, and the user of the daemon itself, who could as well signal it. */
static bool uid_may_change(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "Only root, or whom polkit allows it, may do that");
}

/* Carries the call out, or answers with the error. */
static void finish(Pending *p, int r, sd_bus_error *error) {
        if (r >= 0)
                r = sd_bus_message_rewind(p->call, true);
        if (r >= 0)
                r = p->run(p->b, p->call, error);
        if (r < 0)
                (void)sd_bus_reply_method_errno(p->call, r, error);
        sd_bus_error_free(error);
}

static int on_polkit_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Pending *p = userdata;
        int r, authorized = 0, challenge = 0;

        if (!p->call)
                return 1;
        /* No polkit, or none that answers: root only. */
        if (sd_bus_message_is_method_error(reply, NULL)) {
                finish(p, refuse(&error), &error);
                return 1;
        }
        r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
        if (r >= 0 && !authorized)
                r = challenge ? sd_bus_error_set(&error,
                                                 SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                                 "A password would have to be asked for")
                              : refuse(&error);
        finish(p, r, &error);
        return 1;
}

/* What the person sees who is asked for a password; polkit puts the details in. */
#define MESSAGE_PROCESS                                                                            \
        "Authentication is required to control moves of the memory of process $(pid) between "     \
        "NUMA nodes."
#define MESSAGE_UNIT                                                                               \
        "Authentication is required to control moves of the memory of process $(pid) of $(unit) "  \
        "between NUMA nodes."

/* Details for rules and for the message: pid and unit of the process. */
static int append_details(sd_bus_message *m, const Pending *p) {
        const ReportBackend *b = &p->b->backend;
        char unit[ESCAPE_BYTES(UNIT_BYTES)], pid[16];
        ProcessRow row = { 0 };

        TRY(sd_bus_message_open_container(m, 'a', "{ss}"));
        if (p->pid > 0) {
                snprintf(pid, sizeof pid, "%d", (int)p->pid);
                /* A process that has gone meanwhile is told when the call is carried out. */
                if (b->process(b->userdata, p->pid, &row) < 0)
                        row.info.unit[0] = 0;
                escape_string(unit, sizeof unit, row.info.unit);
                TRY(sd_bus_message_append(m, "{ss}{ss}{ss}{ss}", "pid", pid, "unit", unit,
                                          "polkit.message", *unit ? MESSAGE_UNIT : MESSAGE_PROCESS,
                                          "polkit.gettext_domain", "numabalancerd"));
        }
        return sd_bus_message_close_container(m);
}

static int append_question(sd_bus_message *m, const Pending *p) {
        bool interactive = sd_bus_message_get_allow_interactive_authorization(p->call) > 0;

        TRY(sd_bus_message_append(m, "(sa{sv})", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(p->call)));
        TRY(sd_bus_message_append(m, "s", p->action));
        TRY(append_details(m, p));
        return sd_bus_message_append(m, "us", interactive ? POLKIT_INTERACTIVE : 0u, "");
}

/* Asks polkit; the pending call goes over to a new one, as each slot owns its own. */
static int ask_polkit(Pending *p, sd_bus_error *error) {
        sd_bus_message *m = NULL;
        sd_bus_slot *slot = NULL;
        Pending *next, model = *p;
        int r;

        if (p->b->n_polkit >= BUS_POLKIT_MAX)
                return sd_bus_error_set(error, BUS_ERROR_BUSY,
                                        "Too many callers are being authorised");
        model.polkit = true;
        next = pending_new(&model);
        if (!next)
                return -ENOMEM;
        r = sd_bus_message_new_method_call(
                sd_bus_message_get_bus(p->call), &m, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r >= 0)
                r = append_question(m, next);
        if (r >= 0)
                r = sd_bus_call_async(sd_bus_message_get_bus(p->call), &slot, m, on_polkit_answer,
                                      next, POLKIT_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        if (r < 0)
                pending_free(next);
        else
                pending_give(next, slot);
        return r;
}

static int on_sender_known(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Pending *p = userdata;
        uint32_t uid;
        int r;

        /* The caller has left, or the bus has: nobody waits for an answer. */
        if (!p->call || sd_bus_message_is_method_error(reply, NULL))
                return 1;
        r = sd_bus_message_read(reply, "u", &uid);
        if (r >= 0 && !uid_may_change(uid)) {
                r = ask_polkit(p, &error);
                if (r >= 0)
                        return 1;
        }
        finish(p, r, &error);
        return 1;
}

int authorize(ReportBus *b, sd_bus_message *m, const char *action, pid_t pid, AuthorizedCall run,
              sd_bus_error *error) {
        sd_bus_slot *slot = NULL;
        Pending *p;
        int r;

        if (b->n_pending >= BUS_PENDING_MAX)
                return sd_bus_error_set(error, BUS_ERROR_BUSY, "Too many calls wait for an answer");
        p = pending_new(&(Pending) { .b = b, .call = m, .run = run, .action = action, .pid = pid });
        if (!p)
                return -ENOMEM;
        r = sd_bus_call_method_async(sd_bus_message_get_bus(m), &slot, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionUnixUser", on_sender_known, p, "s",
                                     sd_bus_message_get_sender(m));
        if (r < 0) {
                pending_free(p);
                return r;
        }
        pending_give(p, slot);
        return 1;
}
