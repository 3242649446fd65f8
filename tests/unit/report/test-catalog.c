/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entry of the catalog may refer to fields that records of this very kind have; elsewhere
 * `journalctl -x` would show the bare name. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "report/journal.h"
#include "report/messages.h"
#include "report/sink.h"

static const Topology topology = { .n_nodes = 2, .node_id = { 0, 1 } };

static Outcome outcome(Reason reason, uint64_t moved) {
        return (Outcome) {
                .job = 3,
                .move = { .id = { 812, 4711 },
                          .comm = "redis",
                          .unit = "redis.service",
                          .from = 2,
                          .to = 0,
                          .remote_before = NAN },
                .reason = reason,
                .pages_moved = moved,
                .finished_ns = 1,
                .remote_after = NAN,
        };
}

static void tell_job(MessageKind kind) {
        Outcome o = outcome(kind == MESSAGE_MIGRATION_FINISHED  ? REASON_DONE
                            : kind == MESSAGE_MIGRATION_PARTLY  ? REASON_PARTLY
                            : kind == MESSAGE_MIGRATION_DROPPED ? REASON_CANCELLED
                                                                : REASON_UNMOVABLE,
                            kind == MESSAGE_MIGRATION_FAILED ? 0 : 100);

        if (kind == MESSAGE_JOB_RETRIED)
                journal_job_retried(&o, &topology);
        else if (kind == MESSAGE_NO_HELP)
                journal_no_help(&o, &topology, SOURCE_CLOCK);
        else if (kind == MESSAGE_NODE_FULL)
                journal_node_full(&o, &topology);
        else
                journal_migration(&o, &topology, SOURCE_CLOCK);
}

/* Sends a record of this kind with as little as such a record ever has. */
static void tell(MessageKind kind) {
        static const Finding finding = { "btf", FINDING_MISSING, "no BTF", "no source",
                                         "a kernel" };
        const StatusView status = { .state = kind == MESSAGE_PING_PONG_STOP ? STATE_STOPPED
                                                                            : STATE_PAUSED };
        const ProcessInfo info = { .id = { 812, 4711 }, .comm = "redis" };
        const Move move = outcome(REASON_DONE, 1).move;
        const Verdict verdict = { .reason = REASON_GAVE_UP };

        switch (kind) {
        case MESSAGE_STARTED:
                return journal_started(&status);
        case MESSAGE_STOPPING:
                return journal_stopping(&status);
        case MESSAGE_STATE_CHANGED:
        case MESSAGE_PING_PONG_STOP:
                return journal_state_changed(&status);
        case MESSAGE_SOURCE_CHANGED:
                return journal_source_changed(&status);
        case MESSAGE_WOULD_MIGRATE:
                return journal_would_migrate(&move, &topology, SOURCE_CLOCK);
        case MESSAGE_LEFT_ALONE:
                return journal_left_alone(&info, &verdict, SOURCE_CLOCK, 0);
        case MESSAGE_OTHER_MOVER:
                return journal_other_mover(NULL, 0, true);
        case MESSAGE_OTHER_MOVER_GONE:
                return journal_other_mover("numad", 7, false);
        case MESSAGE_REQUIREMENT:
                return journal_finding(&finding);
        case MESSAGE_RELOADED:
                return journal_reloaded();
        case MESSAGE_RELOAD_REFUSED:
                return journal_reload_refused("a.conf:1: wrong");
        default:
                return tell_job(kind);
        }
}

/* The entry of this id, "-- ID\n" up to the next; "" when there is none. */
static void entry_of(const char *catalog, const char *id, char *ret, size_t size) {
        const char *start = strstr(catalog, id);
        const char *end = start ? strstr(start, "\n-- ") : NULL;

        cr_assert(start, "no entry for %s", id);
        snprintf(ret, size, "%.*s", (int)(end ? end - start : (ptrdiff_t)strlen(start)), start);
}

static void check_fields(const MessageInfo *info, const char *entry, const char *record) {
        for (const char *p = strchr(entry, '@'); p; p = strchr(p, '@')) {
                const char *end = strchr(++p, '@');
                char field[64];

                cr_assert(end, "%s: an @ without its fellow", info->name);
                snprintf(field, sizeof field, "\n%.*s=", (int)(end - p), p);
                cr_expect(strstr(record, field), "%s: no field %.*s in its records: %s", info->name,
                          (int)(end - p), p, record);
                p = end + 1;
        }
}

Test(catalog, entries_name_fields_of_their_kind) {
        static char catalog[65536];
        cleanup_fclose FILE *f = fopen(CATALOG, "re");
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        cleanup_close int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        char directory[] = "/tmp/numabalancer-catalog-XXXXXX";

        cr_assert(f && fread(catalog, 1, sizeof catalog - 1, f) > 0, "%s", CATALOG);
        cr_assert(mkdtemp(directory));
        snprintf(sa.sun_path, sizeof sa.sun_path, "%s/socket", directory);
        cr_assert_eq(bind(journal, (struct sockaddr *)&sa, sizeof sa), 0);
        sink_set_socket(sa.sun_path);
        sink_set_target(SINK_JOURNAL);
        cr_expect(sink_journal_is_there());
        for (int kind = 0; kind < MESSAGE_MAX; kind++) {
                const MessageInfo *info = message_info((MessageKind)kind);
                char entry[4096], record[4096], id[64];
                ssize_t n;

                tell((MessageKind)kind);
                n = recv(journal, record, sizeof record - 1, 0);
                cr_assert_gt(n, 0, "%s: no record", info->name);
                record[n] = 0;
                snprintf(id, sizeof id, "\nMESSAGE_ID=%s\n", info->id);
                cr_assert(strstr(record, id), "%s: another kind of record: %s", info->name, record);
                entry_of(catalog, info->id, entry, sizeof entry);
                check_fields(info, entry, record);
        }
        unlink(sa.sun_path);
        rmdir(directory);
        cr_expect_not(sink_journal_is_there());
}
