/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* Properties of the Manager and where their values come from. EMITS(name, kind, value) for those
 * that emit changes, SILENT(...) for counters and constants. kind: TEXT, U32, U64. */
#define PROPERTY_TABLE(EMITS, SILENT)                                                              \
        EMITS(Version, TEXT, s->version)                                                           \
        EMITS(Mode, TEXT, mode_to_string(s->mode))                                                 \
        EMITS(State, TEXT, daemon_state_to_string(s->state))                                       \
        EMITS(StateReason, TEXT, reason_to_string(s->state_reason))                                \
        EMITS(Source, TEXT, evidence_source_to_string(s->source))                                  \
        EMITS(SourceReason, TEXT, s->source_reason)                                                \
        EMITS(KernelBalancing, TEXT, s->kernel_balancing)                                          \
        EMITS(PausedUntilUSec, U64, s->paused_until_usec)                                          \
        EMITS(LastReloadError, TEXT, s->last_reload_error)                                         \
        SILENT(NodeCount, U32, s->node_count)                                                      \
        SILENT(StartTimestamp, U64, s->start_realtime_usec)                                        \
        SILENT(StartTimestampMonotonic, U64, s->start_monotonic_usec)                              \
        SILENT(SamplesTotal, U64, s->counters.samples_total)                                       \
        SILENT(SamplesRemote, U64, s->counters.accesses_remote)                                    \
        SILENT(SamplesLost, U64, s->counters.samples_lost)                                         \
        SILENT(ProcessesTracked, U32, s->processes_tracked)                                        \
        SILENT(MigrationsStarted, U64, s->counters.migrations_started)                             \
        SILENT(MigrationsFinished, U64, s->counters.migrations_finished)                           \
        SILENT(MigrationsFailed, U64, s->counters.migrations_failed)                               \
        SILENT(Retries, U64, s->counters.retries)                                                  \
        SILENT(PagesMoved, U64, s->counters.pages_moved)                                           \
        SILENT(PagesFailed, U64, s->counters.pages_failed)                                         \
        SILENT(BytesMoved, U64, s->counters.bytes_moved)                                           \
        SILENT(CPUUsageUSec, U64, s->cpu_usage_usec)

static int append_TEXT(sd_bus_message *reply, const char *value) {
        char text[ESCAPE_BYTES(1024)];

        escape_string(text, sizeof text, value ?: "");
        return sd_bus_message_append_basic(reply, 's', text);
}

static int append_U32(sd_bus_message *reply, uint32_t value) {
        return sd_bus_message_append_basic(reply, 'u', &value);
}

static int append_U64(sd_bus_message *reply, uint64_t value) {
        return sd_bus_message_append_basic(reply, 't', &value);
}

int property_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;
        StatusView view = { 0 };
        const StatusView *s = &view;

        b->backend.status(b->backend.userdata, &view);
#define PROPERTY_APPEND(name, kind, value)                                                         \
        if (strcmp(property, #name) == 0)                                                          \
                return append_##kind(reply, value);
        PROPERTY_TABLE(PROPERTY_APPEND, PROPERTY_APPEND)
#undef PROPERTY_APPEND
        return -ENOENT;
}

static bool same_TEXT(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "") == 0;
}

static bool same_U64(uint64_t a, uint64_t b) {
        return a == b;
}

/* The value of one property, with s as the view it is taken from. */
#define PROPERTY_OF(view, value)                                                                   \
        ({                                                                                         \
                const StatusView *s = (view);                                                      \
                (value);                                                                           \
        })

unsigned property_differences(const StatusView *a, const StatusView *b, char **ret) {
        unsigned n = 0;

#define PROPERTY_COMPARE(name, kind, value)                                                        \
        if (!same_##kind(PROPERTY_OF(a, value), PROPERTY_OF(b, value)))                            \
                ret[n++] = (char *)#name;
#define PROPERTY_SKIP(name, kind, value)
        PROPERTY_TABLE(PROPERTY_COMPARE, PROPERTY_SKIP)
#undef PROPERTY_COMPARE
        ret[n] = NULL;
        return n;
}

#define PROPERTY_COUNT(name, kind, value) +1
_Static_assert(PROPERTY_EMITTING == 0 PROPERTY_TABLE(PROPERTY_COUNT, PROPERTY_SKIP),
               "room for the names of all properties that emit changes");

void property_forget(StatusView *known) {
        free((char *)known->version);
        free((char *)known->source_reason);
        free((char *)known->kernel_balancing);
        free((char *)known->last_reload_error);
        *known = (StatusView) { 0 };
}

int property_remember(StatusView *known, const StatusView *now) {
        StatusView copy = *now;

        copy.version = strdup(now->version ?: "");
        copy.source_reason = strdup(now->source_reason ?: "");
        copy.kernel_balancing = strdup(now->kernel_balancing ?: "");
        copy.last_reload_error = strdup(now->last_reload_error ?: "");
        if (!copy.version || !copy.source_reason || !copy.kernel_balancing ||
            !copy.last_reload_error) {
                property_forget(&copy);
                return -ENOMEM;
        }
        property_forget(known);
        *known = copy;
        return 0;
}

#define VTABLE_EMITS(name, kind, value)                                                            \
        SD_BUS_PROPERTY(#name, SIGNATURE_##kind, property_get, 0,                                  \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
#define VTABLE_SILENT(name, kind, value)                                                           \
        SD_BUS_PROPERTY(#name, SIGNATURE_##kind, property_get, 0, 0),
#define SIGNATURE_TEXT "s"
#define SIGNATURE_U32  "u"
#define SIGNATURE_U64  "t"

/* Changing calls are marked unprivileged as well, because their arguments are checked first and
 * the sender afterwards, without waiting for the bus; see authorize(). */
const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        PROPERTY_TABLE(VTABLE_EMITS, VTABLE_SILENT)
                SD_BUS_METHOD_WITH_ARGS("GetStats", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", stats),
                                        method_get_stats, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListProcesses", SD_BUS_ARGS("u", max, "s", order),
                                SD_BUS_RESULT("aa{sv}", processes), method_list_processes,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetProcess", SD_BUS_ARGS("u", pid),
                                SD_BUS_RESULT("a{sv}", process), method_get_process,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("u", pid),
                                SD_BUS_RESULT("s", reason, "s", text, "a{sv}", numbers),
                                method_explain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListNodes", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", nodes),
                                method_list_nodes, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", jobs),
                                method_list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListMigrations", SD_BUS_ARGS("u", max),
                                SD_BUS_RESULT("aa{sv}", migrations), method_list_migrations,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_ARGS("t", since),
                                SD_BUS_RESULT("aa{sv}", rows), method_get_history,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Advise", SD_BUS_ARGS("u", cpus, "t", bytes),
                                SD_BUS_RESULT("au", nodes), method_advise,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Dump", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", fd), method_dump,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Diagnose", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssss)", findings),
                                method_diagnose, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Record", SD_BUS_ARGS("h", fd, "u", seconds), SD_BUS_NO_RESULT,
                                method_record, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Migrate", SD_BUS_ARGS("u", pid, "t", starttime, "i", from, "i", to, "t", flags),
                SD_BUS_RESULT("t", job), method_migrate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelJob", SD_BUS_ARGS("t", job), SD_BUS_NO_RESULT,
                                method_cancel_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("t", usec), SD_BUS_NO_RESULT, method_pause,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_resume,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("JobFinished",
                                SD_BUS_ARGS("t", job, "u", pid, "s", comm, "i", from, "i", to, "t",
                                            bytes, "t", failed, "s", result, "s", reason),
                                0),
        SD_BUS_VTABLE_END,
};
