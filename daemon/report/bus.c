/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "report/describe.h"
#include "report/fields.h"
#include "report/journal.h"

/* As in the D-Bus specification, with the directory that systemd uses since 2018. */
#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

/* A lost bus usually comes back at once; one that keeps failing is asked more rarely. */
#define RETRY_FIRST_USEC 200000u
#define RETRY_MAX_USEC   30000000u

DEFINE_CLEANUP(ReportBus, report_bus_free)

static int bus_connect(ReportBus *b);

static void bus_disconnect(ReportBus *b) {
        authorize_abandon(b);
        /* Closing drops pending calls, which still refer to b. */
        b->bus = sd_bus_close_unref(b->bus);
        b->state = BUS_STATE_UNREACHABLE;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        ReportBus *b = userdata;

        bus_disconnect(b);
        (void)bus_connect(b);
        return 0;
}

int bus_admit_rows(ReportBus *b, size_t rows, sd_bus_error *error) {
        uint64_t waiting = 0;

        if (sd_bus_get_n_queued_write(b->bus, &waiting) < 0 || waiting == 0)
                b->rows_queued = 0;
        if (b->rows_queued > 0 && b->rows_queued + rows > BUS_ROWS_QUEUED_MAX)
                return sd_bus_error_set(error, BUS_ERROR_BUSY,
                                        "Answers wait to be taken; ask again later");
        b->rows_queued += rows;
        return 0;
}

/* Adds a row to the history and waits for the next. */
static int on_sample(sd_event_source *source, uint64_t usec, void *userdata) {
        ReportBus *b = userdata;
        StatusView now = { 0 };

        b->backend.status(b->backend.userdata, &now);
        history_sample(&b->history, &now, clock_realtime_usec(), clock_monotonic_ns() / 1000);
        (void)sd_event_source_set_time_relative(source, HISTORY_INTERVAL_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void schedule_retry(ReportBus *b) {
        uint64_t usec = RETRY_FIRST_USEC;

        for (unsigned i = 0; i < b->failures && usec < RETRY_MAX_USEC; i++)
                usec *= 2;
        if (b->failures < 16)
                b->failures++;
        (void)sd_event_source_set_time_relative(b->retry, usec);
        (void)sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
}

/* sd-bus delivers the end of a connection as a local signal. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;

        if (!sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected"))
                return 0;
        journal_log(LOG_DEBUG, "connection to the bus lost");
        b->state = BUS_STATE_UNREACHABLE;
        schedule_retry(b);
        return 0;
}

static int on_name_requested(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        ReportBus *b = userdata;
        uint32_t result;

        b->state = BUS_STATE_NAMELESS;
        if (e && sd_bus_error_has_name(e, SD_BUS_ERROR_ACCESS_DENIED))
                journal_log(LOG_ERR, "the bus refuses the name %s, going on without: %s", BUS_NAME,
                            e->message ?: e->name);
        if (e || sd_bus_message_read(reply, "u", &result) < 0) {
                /* What was refused for good is not asked again and again; the rest may pass. */
                if (!e || !sd_bus_error_has_name(e, SD_BUS_ERROR_ACCESS_DENIED))
                        schedule_retry(b);
                return 1;
        }
        b->failures = 0;
        /* 1: primary owner, 4: already owner. */
        if (result == 1 || result == 4)
                b->state = BUS_STATE_SERVING;
        else
                journal_log(LOG_ERR, "another program owns the name %s, going on without",
                            BUS_NAME);
        report_bus_changed(b);
        return 1;
}

static int bus_start(ReportBus *b) {
        int r;

        if ((r = sd_bus_new(&b->bus)) < 0 || (r = sd_bus_set_address(b->bus, b->address)) < 0 ||
            (r = sd_bus_set_bus_client(b->bus, true)) < 0 ||
            (r = sd_bus_set_watch_bind(b->bus, true)) < 0 ||
            (r = sd_bus_set_description(b->bus, "numabalancerd")) < 0 ||
            (r = sd_bus_add_filter(b->bus, NULL, on_message, b)) < 0 ||
            (r = sd_bus_add_object_vtable(b->bus, NULL, BUS_PATH, BUS_INTERFACE, manager_vtable,
                                          b)) < 0 ||
            (r = sd_bus_add_object_vtable(b->bus, NULL, LOG_CONTROL_PATH, LOG_CONTROL_INTERFACE,
                                          log_control_vtable, b)) < 0 ||
            (r = sd_bus_start(b->bus)) < 0 ||
            (r = sd_bus_attach_event(b->bus, b->event, BUS_EVENT_PRIORITY)) < 0 ||
            (r = sd_bus_request_name_async(b->bus, NULL, BUS_NAME, 0, on_name_requested, b)) < 0)
                return r;
        return 0;
}

static int bus_connect(ReportBus *b) {
        int r = bus_start(b);

        if (r < 0) {
                bus_disconnect(b);
                schedule_retry(b);
        }
        return r;
}

int report_bus_new(ReportBus **ret, sd_event *event, const ReportBackend *backend,
                   const char *address) {
        cleanup(cleanup_report_bus_freep) ReportBus *b = calloc(1, sizeof *b);
        int r;

        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->backend = *backend;
        b->address = strdup(address ?: getenv("DBUS_SYSTEM_BUS_ADDRESS") ?: SYSTEM_BUS_ADDRESS);
        if (!b->address)
                return -ENOMEM;
        if ((r = sd_event_add_time_relative(event, &b->retry, CLOCK_MONOTONIC, 0, 0, on_retry, b)) <
                    0 ||
            (r = sd_event_source_set_enabled(b->retry, SD_EVENT_OFF)) < 0 ||
            (r = sd_event_add_time_relative(event, &b->sampler, CLOCK_MONOTONIC, 0, 0, on_sample,
                                            b)) < 0 ||
            (r = sd_event_source_set_priority(b->sampler, BUS_EVENT_PRIORITY)) < 0 ||
            (r = sd_event_source_set_priority(b->retry, BUS_EVENT_PRIORITY)) < 0)
                return r;
        TRY(dump_workers_new(&b->dumps, event, BUS_EVENT_PRIORITY));
        (void)sd_event_source_set_description(b->retry, "bus-retry");
        (void)sd_event_source_set_description(b->sampler, "history");
        r = bus_connect(b);
        if (r == -ENOMEM || r == -EINVAL)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

ReportBus *report_bus_free(ReportBus *b) {
        if (!b)
                return NULL;
        /* What was said last should still arrive, if the bus takes it without a wait. */
        if (b->bus && sd_bus_is_ready(b->bus) > 0)
                (void)sd_bus_process(b->bus, NULL);
        bus_disconnect(b);
        dump_workers_free(b->dumps);
        sd_event_source_disable_unref(b->retry);
        sd_event_source_disable_unref(b->sampler);
        sd_event_unref(b->event);
        property_forget(&b->sent);
        free(b->address);
        free(b);
        return NULL;
}

void report_bus_changed(ReportBus *b) {
        char *names[PROPERTY_EMITTING + 1];
        StatusView now = { 0 };

        if (!b)
                return;
        b->backend.status(b->backend.userdata, &now);
        if (property_differences(&b->sent, &now, names) == 0)
                return;
        if (property_remember(&b->sent, &now) < 0)
                return;
        if (b->bus && sd_bus_is_ready(b->bus) > 0)
                (void)sd_bus_emit_properties_changed_strv(b->bus, BUS_PATH, BUS_INTERFACE, names);
}

/* "done" when everything was moved, or nothing was there to be moved, "partly" when something was, else
 * "failed". */
static const char *outcome_result(const Outcome *o) {
        if (outcome_is_complete(o))
                return "done";
        return o->pages_moved ? "partly" : "failed";
}

void report_bus_job_finished(ReportBus *b, const Outcome *outcome) {
        const Move *m = &outcome->move;
        char comm[ESCAPE_BYTES(COMM_BYTES)];
        const Topology *t;

        if (!b)
                return;
        history_add_job(&b->history, outcome, clock_realtime_usec());
        if (!b->bus || sd_bus_is_ready(b->bus) <= 0)
                return;
        t = b->backend.topology(b->backend.userdata);
        escape_string(comm, sizeof comm, m->comm);
        (void)sd_bus_emit_signal(
                b->bus, BUS_PATH, BUS_INTERFACE, "JobFinished", "tusiittss", outcome->job,
                (uint32_t)m->id.pid, comm,
                node_mask_count(m->from) == 1 ? describe_node_id(t, node_mask_first(m->from)) : -1,
                describe_node_id(t, m->to), outcome->bytes_moved, outcome->pages_failed,
                outcome_result(outcome), reason_to_string(outcome->reason));
}

void report_bus_job_verified(ReportBus *b, const Outcome *outcome) {
        if (b)
                history_add_job(&b->history, outcome, clock_realtime_usec());
}

BusState report_bus_state(const ReportBus *b) {
        /* Until the bus has answered for the first time. */
        if (b->state == BUS_STATE_UNREACHABLE && b->bus && sd_bus_is_ready(b->bus) > 0)
                return BUS_STATE_REACHED;
        return b->state;
}
