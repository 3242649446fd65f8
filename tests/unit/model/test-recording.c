/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static Topology machine(void) {
        return (Topology) {
                .n_nodes = 2,
                .node_id = { 0, 4 },
                .has_cpu = { true, false },
                .has_memory = { true, true },
                .total_bytes = { 1ull << 40, 77 },
                .distance = { { 10, 21 }, { 22, 10 } },
                .hmat_latency_ns = { { 80.5, 131 }, { 0, 0 } },
        };
}

/* Everything that can be written, in one text. */
static char *write_all(void) {
        Topology t = machine();
        NodeState nodes[] = { { 1, 2, 3 }, { UINT64_MAX, 5, 6 } };
        double access[] = { 1.5, 0, 0.1, 1e-300 }, waited[] = { 0.5, 0, 0, 1e-300 };
        double cpu_ns[] = { 0.1, 2e9 };
        uint64_t resident[] = { 10, UINT64_MAX };
        Evidence e = { .source = SOURCE_CLOCK,
                       .n_nodes = 2,
                       .access = access,
                       .waited = waited,
                       .cpu_ns = cpu_ns,
                       .samples = 1.6,
                       .unresolved = 7,
                       .evaluations = 3,
                       .skid = true,
                       .updated_ns = 99 };
        ProcessInfo info = { .id = { 42, UINT64_MAX },
                             .comm = "a b\n\xff=,\\",
                             .unit = "x@y.service",
                             .uid = 1000,
                             .rss_bytes = 12345,
                             .cpuset_mems = 3,
                             .realtime = true,
                             .attributes = ATTRIBUTES_BPF,
                             .vma_policy = true,
                             .device_memory = true,
                             .rule_mode = RULE_OBSERVE };
        ProcessInfo other = { .id = { 43, 1 } };
        Region region = { .start = 3ull << 40,
                          .bytes = 4096,
                          .mapping = 12345 * 4096,
                          .since_ns = 17,
                          .access = { { 1, 2.5f, 1.25f, 0.1f },
                                      { -1, 0, 0, 0 },
                                      { -1, 0, 0, 0 },
                                      { -1, 0, 0, 0 } },
                          .other = 0.5f,
                          .home = -1,
                          .unmovable = true };
        AddressRange ranges[] = { { 4096, 8192 }, { 1ull << 46, 1ull << 47 } };
        ProcessView views[] = { { &info, &e, resident, 11, true, &region, 1 }, { .info = &other } };
        Snapshot snapshot = { &t, nodes, views, 2, 17, true };
        Outcome o = { .job = 9,
                      .move = { .id = { 42, UINT64_MAX },
                                .comm = "c",
                                .from = 2,
                                .to = 0,
                                .remote_before = 0.75,
                                .ranges = ranges,
                                .n_ranges = 2,
                                .ranges_only = true,
                                .benefit_ns = 1e9 },
                      .reason = REASON_PARTLY,
                      .error = -12,
                      .pages_moved = 5,
                      .remote_after = NAN };
        Settings s;
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        settings_init(&s);
        s.mode = MODE_OBSERVE;
        s.benefit_ratio = 0.1;
        s.never_locked = false;
        s.passes = 3;
        s.n_distances = 2;
        s.distances[0][0] = s.distances[1][1] = 10;
        s.distances[0][1] = 17;
        s.distances[1][0] = 1000;
        cr_assert_eq(recording_write_header(f, &t, &s), 0);
        cr_assert_eq(recording_write_snapshot(f, &snapshot, 1000), 0);
        cr_assert_eq(recording_write_outcome(f, &o, 2000), 0);
        o.remote_after = 0.25;
        cr_assert_eq(recording_write_review(f, &o, &e, 3000), 0);
        cr_assert_eq(recording_write_review(f, &o, NULL, 4000), 0);
        fclose(f);
        return text;
}

static Recording *open_text(FILE **f, char *text) {
        Recording *r = NULL;

        *f = fmemopen(text, strlen(text), "r");
        cr_assert_eq(recording_open(&r, *f), 0, "line %u", r ? recording_line(r) : 0);
        return r;
}

static void check_process(const RecordingEvent *e) {
        const ProcessView *v = &e->snapshot.processes[0];

        cr_expect_eq(v->info->id.pid, 42);
        cr_expect_eq(v->info->id.starttime, UINT64_MAX);
        cr_expect_str_eq(v->info->comm, "a b\n\xff=,\\");
        cr_expect_str_eq(v->info->unit, "x@y.service");
        cr_expect_eq(v->info->attributes, ATTRIBUTES_BPF);
        cr_expect_eq(v->info->rule_mode, RULE_OBSERVE);
        cr_expect_eq(v->exec_id, 11);
        cr_expect(v->info->realtime && v->info->vma_policy && v->info->device_memory &&
                  !v->info->task_policy && v->busy);
        cr_expect_eq(v->evidence->source, SOURCE_CLOCK);
        cr_expect_eq(v->evidence->access[2], 0.1);
        cr_expect_eq(v->evidence->waited[0], 0.5);
        cr_expect_eq(v->evidence->waited[3], 1e-300);
        cr_expect_eq(v->evidence->cpu_ns[0], 0.1);
        cr_expect(v->evidence->skid && v->evidence->evaluations == 3);
        cr_expect_eq(v->resident_bytes[1], UINT64_MAX);
        cr_assert_eq(v->n_regions, 1);
        cr_expect(v->regions[0].start == 3ull << 40 && v->regions[0].bytes == 4096 &&
                  v->regions[0].mapping == 12345 * 4096 && v->regions[0].since_ns == 17);
        cr_expect(v->regions[0].access[0].node == 1 && v->regions[0].access[0].remote == 1.25f &&
                  v->regions[0].access[0].waited == 0.1f && v->regions[0].access[1].node == -1);
        cr_expect(v->regions[0].other == 0.5f && v->regions[0].home == -1 &&
                  v->regions[0].unmovable);
        cr_expect_eq(e->snapshot.processes[1].n_regions, 0);
        cr_expect_null(e->snapshot.processes[1].evidence);
        cr_expect_null(e->snapshot.processes[1].resident_bytes);
}

Test(recording, what_is_written_is_read) {
        char *text = write_all();
        RecordingEvent e;
        FILE *f;
        Recording *r = open_text(&f, text);
        Topology t = machine();

        cr_expect_eq(memcmp(recording_topology(r), &t, offsetof(Topology, n_cpus)), 0);
        cr_assert_eq(recording_next(r, &e), 1, "line %u", recording_line(r));
        cr_expect_eq(e.kind, RECORDING_SNAPSHOT);
        cr_expect_eq(e.now_ns, 1000);
        cr_expect_eq(recording_settings(r)->mode, MODE_OBSERVE);
        cr_expect_eq(recording_settings(r)->benefit_ratio, 0.1);
        cr_expect_eq(recording_settings(r)->never_locked, false);
        cr_expect_eq(recording_settings(r)->passes, 3);
        cr_expect_eq(recording_settings(r)->n_distances, 2);
        cr_expect_eq(recording_settings(r)->distances[0][1], 17);
        cr_expect_eq(recording_settings(r)->distances[1][0], 1000);
        cr_expect_eq(e.snapshot.self, 17);
        cr_expect(e.snapshot.other_mover);
        cr_expect_eq(e.snapshot.n_processes, 2);
        cr_expect_eq(e.snapshot.nodes[1].available_bytes, UINT64_MAX);
        cr_expect_eq(e.snapshot.nodes[0].blocked_until_ns, 3);
        check_process(&e);
        cr_assert_eq(recording_next(r, &e), 1, "line %u", recording_line(r));
        cr_expect_eq(e.kind, RECORDING_OUTCOME);
        cr_expect_eq(e.outcome.reason, REASON_PARTLY);
        cr_expect_eq(e.outcome.error, -12);
        cr_expect_eq(e.outcome.move.remote_before, 0.75);
        cr_expect(e.outcome.move.ranges_only && e.outcome.move.n_ranges == 2);
        cr_expect_eq(e.outcome.move.ranges[1].end, 1ull << 47);
        cr_expect(isnan(e.outcome.remote_after));
        cr_assert_eq(recording_next(r, &e), 1, "line %u", recording_line(r));
        cr_expect_eq(e.kind, RECORDING_REVIEW);
        cr_expect_eq(e.outcome.remote_after, 0.25);
        cr_assert_not_null(e.after);
        cr_expect_eq(e.after->access[0], 1.5);
        cr_assert_eq(recording_next(r, &e), 1, "line %u", recording_line(r));
        cr_expect_null(e.after);
        cr_expect_eq(recording_next(r, &e), 0);
        recording_free(r);
        fclose(f);
        free(text);
}

Test(recording, repeat_brings_the_last_evaluation_again) {
        static char text[] = "# by hand\nnumabalancer-recording 1\ntopology nodes=1\n"
                             "node index=0 cpu=1 memory=1 total_bytes=5 distances=10\n"
                             "snapshot now_ns=100 self=1\nprocess pid=7\nend\n"
                             "repeat n=2 interval_ns=50\n";
        RecordingEvent e;
        FILE *f;
        Recording *r = open_text(&f, text);

        for (uint64_t i = 0; i < 3; i++) {
                cr_assert_eq(recording_next(r, &e), 1);
                cr_expect_eq(e.now_ns, 100 + i * 50);
                cr_expect_eq(e.snapshot.processes[0].info->id.pid, 7);
        }
        cr_expect_eq(recording_next(r, &e), 0);
        recording_free(r);
        fclose(f);
}

#define HEAD                                                                                       \
        "numabalancer-recording 1\ntopology nodes=2\nnode index=0 distances=10,20\n"               \
        "node index=1 distances=20,10\n"

Test(recording, what_is_wrong_is_refused_with_its_line) {
        static const struct {
                const char *text;
                unsigned line;
        } wrong[] = {
                { "something else\n", 1 },
                { "numabalancer-recording 3\n", 1 },
                { "numabalancer-recording 1\ntopology nodes=0\n", 2 },
                { "numabalancer-recording 1\ntopology nodes=65\n", 2 },
                { "numabalancer-recording 1\ntopology nodes=1\n", 2 },
                { "numabalancer-recording 1\ntopology nodes=1\nnode index=1\n", 3 },
                { "numabalancer-recording 1\ntopology nodes=1\nnode index=0 distances=1,2\n", 3 },
                { "numabalancer-recording 1\ntopology nodes=1\nnode index=0 cpu=1 x=1\n", 3 },
                { HEAD "nonsense\n", 5 },
                { HEAD "set gates.unknown=5\n", 5 },
                { HEAD "set mode\n", 5 },
                { HEAD "distances row=2 values=10,20\n", 5 },
                { HEAD "distances row=0 values=10,20,30\n", 5 },
                { HEAD "distances row=0 values=10,70000\n", 5 },
                { HEAD "repeat n=1 interval_ns=1\n", 5 },
                { HEAD "snapshot now_ns=1 self=1\n", 5 },
                { HEAD "snapshot now_ns=x self=1\nend\n", 5 },
                { HEAD "snapshot now_ns=1 self=1\nevidence source=clock\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\nresident bytes=1,2\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\navailable node=2 bytes=1\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1 comm=0123456789abcdef\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1 comm=\\x4\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=99999999999\nend\n", 6 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nresident bytes=1\nend\n", 7 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nresident bytes=1,2,3\nend\n", 7 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nevidence access=2:0:1:1\nend\n",
                  7 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nevidence access=1:0:1\nend\n", 7 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nevidence source=magic\nend\n", 7 },
                { HEAD "snapshot now_ns=1 self=1\nprocess pid=1\nevidence cpu_ns=1,2,3\nend\n", 7 },
                { HEAD "outcome pid=1\n", 5 },
                { HEAD "outcome now_ns=1 reason=magic\n", 5 },
                { HEAD "review now_ns=1 pid=1\n", 5 },
                { HEAD "review now_ns=1 pid=1\nsnapshot\n", 6 },
        };

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                FILE *f = fmemopen((char *)wrong[i].text, strlen(wrong[i].text), "r");
                Recording *r = NULL;
                RecordingEvent e;
                int k = recording_open(&r, f);

                while (k >= 0)
                        k = recording_next(r, &e) ?: 1;
                cr_expect_eq(k, -EBADMSG, "row %zu", i);
                cr_expect_eq(recording_line(r), wrong[i].line, "row %zu: line %u", i,
                             recording_line(r));
                recording_free(r);
                fclose(f);
        }
}

/* Every prefix of a good recording, and every byte of it changed, ends without harm. */
Test(recording, damaged_files_end) {
        char *text = write_all();
        size_t n = strlen(text);

        for (size_t i = 0; i < 2 * n; i++) {
                size_t length = i < n ? i + 1 : n;
                Recording *r = NULL;
                RecordingEvent e;
                FILE *f;
                int k;

                if (i >= n)
                        text[i - n] ^= 1 + (char)(i % 7);
                f = fmemopen(text, length, "r");
                k = recording_open(&r, f);
                while (k >= 0 && (k = recording_next(r, &e)) > 0)
                        ;
                recording_free(r);
                fclose(f);
                if (i >= n)
                        text[i - n] ^= 1 + (char)(i % 7);
        }
        free(text);
}
