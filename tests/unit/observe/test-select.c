/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "common.h"
#include "observe/guest.h"
#include "observe/hint_source.h"
#include "observe/internal.h"
#include "observe/judge.h"
#include "system/process_read.h"

#define SECOND NSEC_PER_SEC

/* What the judgement of a sampling source says of a sign. */
Test(judge, samples) {
        static const struct {
                const char *name;
                SourceSign sign;
                SourceWhy why;
        } rows[] = {
                { "nothing yet", { .why = SOURCE_WHY_NONE }, SOURCE_WHY_NONE },
                { "too little", { .expected = 19 }, SOURCE_WHY_NONE },
                { "silent", { .expected = 20 }, SOURCE_WHY_SILENT },
                { "hardly any", { .resolved = 4.9, .expected = 100 }, SOURCE_WHY_SILENT },
                { "enough", { .resolved = 5.1, .expected = 100 }, SOURCE_WHY_NONE },
                { "not enough to return",
                  { .resolved = 5.1, .expected = 100, .why = SOURCE_WHY_SILENT },
                  SOURCE_WHY_SILENT },
                { "enough to return",
                  { .resolved = 10.1, .expected = 100, .why = SOURCE_WHY_SILENT },
                  SOURCE_WHY_NONE },
                { "undecoded",
                  { .resolved = 9, .unresolved = 91, .expected = 100 },
                  SOURCE_WHY_UNDECODED },
                { "decoded",
                  { .resolved = 11, .unresolved = 89, .expected = 100 },
                  SOURCE_WHY_NONE },
                { "not yet decoded again",
                  { .resolved = 15,
                    .unresolved = 85,
                    .expected = 100,
                    .why = SOURCE_WHY_UNDECODED },
                  SOURCE_WHY_UNDECODED },
                { "32 bits", { .resolved = 5, .compat = 30, .expected = 40 }, SOURCE_WHY_COMPAT },
                { "some 32 bits",
                  { .resolved = 30, .compat = 5, .expected = 40 },
                  SOURCE_WHY_NONE },
                { "nothing to say",
                  { .resolved = 2, .expected = 10, .why = SOURCE_WHY_GUEST },
                  SOURCE_WHY_GUEST },
        };

        for (size_t i = 0; i < N(rows); i++)
                cr_expect_eq(sign_judge_samples(&rows[i].sign), rows[i].why, "%s: %s", rows[i].name,
                             source_why_to_string(sign_judge_samples(&rows[i].sign)));
}

/* A full ring says nothing about the processes whose samples were lost. */
Test(select, lost_samples_are_not_expected) {
        cr_expect_eq(sign_arrived(0, 0), 1);
        cr_expect_eq(sign_arrived(1000, 0), 1);
        cr_expect_float_eq(sign_arrived(1000, 970), 0.03, 1e-9);
        cr_expect_eq(sign_arrived(1000, 1000), 0);
        cr_expect_eq(sign_arrived(1000, 1001), 0, "counts of two CPUs read at different times");
}

Test(judge, bursts) {
        SourceSign s = { .why = SOURCE_WHY_NOT_YET };

        s.resolved = 0.2;
        cr_expect_eq(sign_judge_bursts(&s, 0.25, SECOND, 75 * SECOND), SOURCE_WHY_NOT_YET);
        s.resolved = 0.25;
        s.why = sign_judge_bursts(&s, 0.25, SECOND, 75 * SECOND);
        cr_expect_eq(s.why, SOURCE_WHY_NONE);
        s.resolved = 0;
        for (int i = 0; i < 74; i++)
                s.why = sign_judge_bursts(&s, 0.25, SECOND, 75 * SECOND);
        cr_expect_eq(s.why, SOURCE_WHY_NONE, "the pass may still come");
        cr_expect_eq(sign_judge_bursts(&s, 0.25, 0, 75 * SECOND), SOURCE_WHY_NONE, "it slept");
        s.why = sign_judge_bursts(&s, 0.25, SECOND, 75 * SECOND);
        cr_expect_eq(s.why, SOURCE_WHY_SILENT);
        s.resolved = 1;
        cr_expect_eq(sign_judge_bursts(&s, 0.25, SECOND, 75 * SECOND), SOURCE_WHY_NONE);
}

Test(judge, decay) {
        SourceSign s = { 8, 4, 2, 1, 5, SOURCE_WHY_GUEST };

        sign_decay(&s, SIGN_HALF_LIFE_NS);
        cr_expect_float_eq(s.resolved, 4, 1e-9);
        cr_expect_float_eq(s.unresolved, 2, 1e-9);
        cr_expect_float_eq(s.expected, 1, 1e-9);
        cr_expect_float_eq(s.compat, 0.5, 1e-9);
        cr_expect_float_eq(s.silent_ns, 5, 1e-9);
}

Test(judge, dry) {
        DryWatch w = {};

        cr_expect(!dry_watch(&w, 0, 100 * SECOND, 100), "what it used before says nothing");
        cr_expect(!dry_watch(&w, 0, 100 * SECOND + SECOND / 10, 100), "10 should have come");
        cr_expect(!dry_watch(&w, 1, 100 * SECOND + SECOND / 5, 100), "one came");
        cr_expect(!dry_watch(&w, 1, 101 * SECOND - 700000000, 100), "10 again");
        cr_expect(!dry_watch(&w, 1, 101 * SECOND - 700000000, 100), "it slept");
        cr_expect(dry_watch(&w, 1, 101 * SECOND - 500000000, 100));
}

Test(hint, weights_and_reasons) {
        cr_expect_float_eq(hint_weight(512), 1, 1e-12, "a huge page");
        cr_expect_float_eq(512 * hint_weight(1), 1, 1e-12, "as much in base pages");
        cr_expect_str_eq(hint_idle_reason(0, 1), "");
        cr_expect_str_eq(hint_idle_reason(0, 3), "", "both modes");
        cr_expect(strstr(hint_idle_reason(0, 0), "numa_balancing is 0"));
        cr_expect(strstr(hint_idle_reason(0, 2), "slow memory"));
        cr_expect(strstr(hint_idle_reason(-ENOENT, 0), "CONFIG_NUMA_BALANCING"));
        cr_expect(strstr(hint_idle_reason(-EBADMSG, 0), "cannot be read"));
}

/* A better source and one behind it, whose judgements are set from outside. */
typedef struct Fake {
        Source base;
        SourceWhy why;
        int collected;
} Fake;

static int opened, closed, open_error;

static int fake_open(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                     char problem[PROBLEM_BYTES]) {
        Fake *f;

        (void)o, (void)settings, (void)role;
        if (open_error) {
                source_problem(problem, "the machine is %s", "on fire");
                return open_error;
        }
        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        opened++;
        *ret = &f->base;
        return 0;
}

static void fake_close(Source *s) {
        closed++;
        free(s);
}

static SourceWhy fake_judge(Source *s, TrackedProcess *p, uint64_t elapsed_ns) {
        (void)p, (void)elapsed_ns;
        return ((Fake *)s)->why;
}

static int fake_collect(Source *s, uint64_t now_ns, char problem[PROBLEM_BYTES]) {
        (void)now_ns;
        if (((Fake *)s)->collected >= 0)
                return 0;
        source_problem(problem, "the well is dry");
        return -EIO;
}

static void fake_describe(const Source *s, char *text, size_t bytes) {
        snprintf(text, bytes, "fake %s", evidence_source_to_string(s->type->id));
}

static void fake_count(const Source *s, Counters *counters) {
        (void)s;
        counters->samples_total += 7;
}

static const SourceType best = {
        .id = SOURCE_CLOCK,
        .counts_cpu_time = true,
        .open = fake_open,
        .close = fake_close,
        .judge = fake_judge,
        .collect = fake_collect,
        .describe = fake_describe,
        .count = fake_count,
};
static const SourceType middle = {
        .id = SOURCE_HINT,
        .must_show = true,
        .open = fake_open,
        .close = fake_close,
        .judge = fake_judge,
        .describe = fake_describe,
};
static const SourceType worst = {
        .id = SOURCE_RESIDENCY,
        .open = fake_open,
        .close = fake_close,
        .describe = fake_describe,
};

typedef struct Bench {
        Topology topology;
        SystemRoot root;
        Observer *o;
        Fake *best, *middle;
        TrackedProcess *p;
} Bench;

static void bench_start(Bench *b) {
        const SourceType *const all[] = { &best, &middle, &worst };
        ProcessId id = { getpid(), 0 };

        b->topology = (Topology) { .n_nodes = 2, .node_id = { 0, 1 } };
        opened = closed = open_error = 0;
        cr_assert_eq(system_root_open(&b->root, ""), 0);
        cr_assert_eq(process_read_starttime(&b->root, id.pid, &id.starttime), 0);
        cr_assert_eq(observer_new(&b->o, &b->topology, &b->root), 0);
        for (size_t i = 0; i < N(all); i++)
                b->o->slots[b->o->n_slots++] = (SourceSlot) { .type = all[i] };
        sources_tend(b->o, 1000 * SECOND);
        cr_assert_eq(opened, 3);
        b->best = (Fake *)b->o->slots[0].source;
        b->middle = (Fake *)b->o->slots[1].source;
        b->p = observer_track(b->o, id);
        cr_assert_not_null(b->p);
}

static void bench_stop(Bench *b) {
        sources_close(b->o);
        observer_free(b->o);
        system_root_close(&b->root);
}

static EvidenceSource choice(Bench *b) {
        Source *s = select_source(b->o, b->p, SECOND);

        cr_assert_not_null(s);
        cr_expect_eq(s->type->id, b->p->observed.evidence.source);
        return s->type->id;
}

Test(select, order) {
        Bench b;

        bench_start(&b);
        cr_expect_eq(b.p->observed.evidence.source, SOURCE_CLOCK, "at first sight");
        cr_expect_eq(b.p->signs[SOURCE_HINT].why, SOURCE_WHY_NOT_YET);
        cr_expect_eq(choice(&b), SOURCE_CLOCK);
        cr_expect_eq(b.p->observed.passed_over, SOURCE_NONE);
        evidence_add(&b.p->observed.evidence, 0, 1, 5, true);
        b.best->why = SOURCE_WHY_GUEST;
        cr_expect_eq(choice(&b), SOURCE_HINT);
        cr_expect_eq(b.p->observed.evidence.samples, 0.0, "the two do not count alike");
        cr_expect_eq(b.p->observed.passed_over, SOURCE_CLOCK);
        cr_expect_eq(b.p->observed.why, SOURCE_WHY_GUEST);
        b.middle->why = SOURCE_WHY_SILENT;
        cr_expect_eq(choice(&b), SOURCE_RESIDENCY);
        cr_expect_eq(b.p->observed.passed_over, SOURCE_CLOCK, "the best of those passed over");
        b.middle->why = SOURCE_WHY_NONE;
        snprintf(b.middle->base.idle, sizeof(b.middle->base.idle), "asleep");
        cr_expect_eq(choice(&b), SOURCE_RESIDENCY, "idle");
        b.best->why = SOURCE_WHY_NONE;
        cr_expect_eq(choice(&b), SOURCE_CLOCK, "it sees the process again");
        bench_stop(&b);
        cr_expect_eq(closed, 3);
}

/* Only what the source of a process saw becomes evidence; the rest is a sign. */
Test(select, one_source_judges) {
        Access access = { .source = SOURCE_HINT, .accessor = 0, .home = 1, .weight = 2, .n = 3 };
        Bench b;

        bench_start(&b);
        access.process = b.p;
        ledger_account(&b.o->ledger, &access);
        cr_expect_eq(b.p->observed.evidence.samples, 0.0);
        cr_expect_eq(b.p->signs[SOURCE_HINT].resolved, 2.0);
        cr_expect_eq(b.o->ledger.counters.accesses_total, 0u);
        access.source = SOURCE_CLOCK;
        ledger_account(&b.o->ledger, &access);
        cr_expect_eq(b.p->observed.evidence.samples, 2.0);
        cr_expect_eq(b.o->ledger.counters.accesses_total, 3u);
        cr_expect_eq(b.o->ledger.counters.accesses_remote, 3u);
        ledger_unresolved(&b.o->ledger, b.p, SOURCE_HINT, 1);
        cr_expect_eq(b.p->observed.evidence.unresolved, 0.0);
        ledger_unresolved(&b.o->ledger, b.p, SOURCE_CLOCK, 1);
        cr_expect_eq(b.p->observed.evidence.unresolved, 1.0);
        bench_stop(&b);
}

/* A source fails while running, is tried again a minute later, and takes its processes back. */
Test(select, fails_and_returns) {
        Counters counters = {};
        uint64_t now_ns, failed_ns;
        Bench b;

        bench_start(&b);
        now_ns = clock_monotonic_ns();
        cr_expect_eq(observer_collect(b.o, now_ns), 0);
        cr_expect_eq(observer_source(b.o), SOURCE_CLOCK);
        cr_expect(!strstr(observer_describe(b.o), "because"), "%s", observer_describe(b.o));
        b.best->collected = -1;
        open_error = -EACCES;
        cr_expect_eq(observer_collect(b.o, now_ns + SECOND), 0);
        cr_expect_eq(closed, 1);
        cr_expect_eq(observer_source(b.o), SOURCE_HINT);
        cr_expect(strstr(observer_describe(b.o),
                         "fake hint, because of the clock source: the well is dry"),
                  "%s", observer_describe(b.o));
        observer_count(b.o, &counters);
        cr_expect_eq(counters.samples_total, 7u, "what it counted stays");
        failed_ns = b.o->slots[0].failed_ns;
        sources_tend(b.o, failed_ns + 59 * SECOND);
        cr_expect(strstr(b.o->slots[0].problem, "dry"), "%s", b.o->slots[0].problem);
        sources_tend(b.o, failed_ns + 60 * SECOND);
        cr_expect(strstr(b.o->slots[0].problem, "on fire"), "%s", b.o->slots[0].problem);
        open_error = 0;
        sources_tend(b.o, b.o->slots[0].failed_ns + 60 * SECOND);
        cr_expect_eq(observer_source(b.o), SOURCE_CLOCK);
        cr_expect_null(b.o->scanner, "it counts CPU time again");
        bench_stop(&b);
}

/* A source that judges only what it has seen is no first choice. */
Test(select, nobody_sees) {
        Bench b;

        bench_start(&b);
        sources_fail(b.o, &b.o->slots[2], "gone");
        b.best->why = SOURCE_WHY_COMPAT;
        b.middle->why = SOURCE_WHY_NOT_YET;
        cr_expect_eq(choice(&b), SOURCE_HINT, "the last there is");
        bench_stop(&b);
}

/* Guest time is read once in ten seconds. */
Test(select, guest_time) {
        SystemRoot root;
        TrackedProcess p = {};

        cr_assert_eq(system_root_open(&root, ""), 0);
        p.observed.id.pid = getpid();
        cr_assert_eq(process_read_starttime(&root, getpid(), &p.observed.id.starttime), 0);
        cr_expect(!guest_time_is_most(&p, &root, 100 * SECOND));
        cr_expect_eq(p.guest_read_ns, 100 * SECOND);
        p.guest = true;
        cr_expect(guest_time_is_most(&p, &root, 109 * SECOND), "remembered");
        cr_expect(!guest_time_is_most(&p, &root, 110 * SECOND), "read again");
        p.observed.id.starttime++;
        p.guest = true;
        cr_expect(!guest_time_is_most(&p, &root, 130 * SECOND), "another process");
        system_root_close(&root);
}
