/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/diagnose.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/sink.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)

typedef struct Report {
        Finding *findings;
        size_t n;
        size_t max;
} Report;

/* Adds one finding; effect and fix are those of a state that is not good. */
static void add(Report *r, const char *id, FindingState state, const char *effect, const char *fix,
                const char *found) {
        bool good = state == FINDING_GOOD;
        Finding *f;

        if (r->n >= r->max)
                return;
        f = &r->findings[r->n++];
        *f = (Finding) {
                .id = id, .state = state, .effect = good ? "" : effect, .fix = good ? "" : fix
        };
        snprintf(f->found, sizeof f->found, "%s", found);
}

static void diagnose_journal(Report *r) {
        bool there = sink_journal_is_there();

        add(r, "journal", there ? FINDING_GOOD : FINDING_LIMITED,
            "records go to standard error, one line each and without fields",
            "start systemd-journald",
            there ? "the journal takes records" : "the journal's socket takes no records");
}

/* Without a daemon of which one could ask. */
static BusState try_system_bus(void) {
        cleanup(cleanup_sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *name;

        if (sd_bus_open_system(&bus) < 0 || sd_bus_get_unique_name(bus, &name) < 0)
                return BUS_STATE_UNREACHABLE;
        return BUS_STATE_REACHED;
}

static void diagnose_bus(Report *r, const ReportBus *bus) {
        static const char *const found[BUS_STATE_MAX] = {
                [BUS_STATE_UNREACHABLE] = "the system bus cannot be reached",
                [BUS_STATE_REACHED] = "the system bus is there",
                [BUS_STATE_NAMELESS] = "the system bus does not give the daemon its name",
                [BUS_STATE_SERVING] = "the daemon has its name on the system bus",
        };
        BusState state = bus ? report_bus_state(bus) : try_system_bus();
        bool good = state == BUS_STATE_SERVING || state == BUS_STATE_REACHED;

        add(r, "bus", good ? FINDING_GOOD : FINDING_LIMITED,
            "numabalancerctl and metrics do not reach the daemon; it balances all the same",
            state == BUS_STATE_NAMELESS
                    ? "install /usr/share/dbus-1/system.d/org.numabalancer1.conf as it was "
                      "shipped, "
                      "reload the bus and restart the daemon"
                    : "start dbus.service",
            found[state]);
}

size_t report_diagnose(const ReportBus *bus, Finding *ret, size_t max) {
        Report r = { .findings = ret, .max = max };

        diagnose_journal(&r);
        diagnose_bus(&r, bus);
        return r.n;
}
