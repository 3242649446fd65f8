/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/mathx.h"
#include "report/describe.h"

typedef struct Text {
        char *buf;
        size_t size;
} Text;

__attribute__((format(printf, 2, 3))) static void say(Text *t, const char *format, ...) {
        size_t used = strlen(t->buf);
        va_list ap;

        va_start(ap, format);
        vsnprintf(t->buf + used, t->size - used, format, ap);
        va_end(ap);
}

/* What the source saw, whatever followed from it. */
static void say_seen(Text *out, const ProcessRow *row, const Topology *t) {
        const Verdict *v = &row->verdict;

        if (v->samples < 0.5)
                return;
        say(out,
            " Of about %.0f sampled accesses (source %s) %s were remote (between %s and %s with 95 "
            "%% "
            "confidence).",
            v->samples, evidence_source_to_string(row->source), HUMAN_SHARE(v->remote_share),
            HUMAN_SHARE(v->remote_lower), HUMAN_SHARE(v->remote_upper));
        if (row->passed_over != SOURCE_NONE)
                say(out, " The %s source would be better, but %s.",
                    evidence_source_to_string(row->passed_over),
                    source_why_sentence(row->source_why));
        if (v->run_node != NODE_NONE && v->home_node != NODE_NONE)
                say(out,
                    " %s of its CPU time is on node%d; most of the memory it uses is on node%d.",
                    HUMAN_SHARE(v->run_share), describe_node_id(t, v->run_node),
                    describe_node_id(t, v->home_node));
        if (v->stall_ns > 0)
                say(out,
                    " It loses an estimated %s per second to remote memory, %s of its CPU time.",
                    HUMAN_TIME(double_to_u64(v->stall_ns)), HUMAN_SHARE(v->score));
}

static void say_gain(Text *out, const Verdict *v) {
        say(out, " A move of %s would gain about %s of CPU time over the next %s and cost %s",
            HUMAN_SIZE(v->move_bytes), HUMAN_TIME(double_to_u64(v->benefit_ns)),
            HUMAN_TIME(v->horizon_ns), HUMAN_TIME(double_to_u64(v->cost_ns)));
}

static void say_wait(Text *out, const Verdict *v, uint64_t now_ns) {
        if (v->wait_until_ns > now_ns)
                say(out, " It is considered again in %s.", HUMAN_TIME(v->wait_until_ns - now_ns));
        else
                say(out, " It is considered again at the next evaluation.");
}

static void say_cost(Text *out, const Verdict *v, uint64_t now_ns) {
        say_gain(out, v);
        say(out, ": %.1f times the cost, %.1f times are needed (migration.benefit_ratio).",
            v->observed, v->threshold);
        if (v->wait_until_ns > now_ns)
                say(out, " That is reached in %s if it stays on its node.",
                    HUMAN_TIME(v->wait_until_ns - now_ns));
        else
                say(out, " That would take more than 30 min.");
}

/* What is known of the parts of a process that runs on several nodes. */
static void say_regions(Text *out, const Verdict *v) {
        if (v->regions == 0)
                return;
        say(out,
            " Of %" PRIu32 " regions (2 MiB or more) of its memory that were sampled, %" PRIu32
            " are used mostly by one node and lie on another, %" PRIu32
            " lie where they are used, %" PRIu32
            " are used by several nodes alike; of the others too little is known.",
            v->regions, v->regions_away, v->regions_home, v->regions_shared);
}

static void say_target(Text *out, const Verdict *v, const Topology *t) {
        const char *verb =
                v->reason == REASON_MOVE || v->reason == REASON_SPREAD ? "goes" : "would go";

        if (v->regions_away == 0 && v->regions_shared > 0)
                say(out, "; memory that several nodes use %s to those of them that serve less.",
                    verb);
        else if (v->regions > 0)
                say(out, "; each region %s to the node that uses it.", verb);
        else
                say(out, "; its memory %s to node%d.", verb, describe_node_id(t, v->target_node));
}

static void say_multi_node(Text *out, const Verdict *v, const Topology *t) {
        say(out,
            " node%d has %s of its CPU time, %s on one node are needed; if its CPUs were "
            "limited to one node, its memory could follow.",
            describe_node_id(t, v->run_node), HUMAN_SHARE(v->run_share), HUMAN_SHARE(v->threshold));
}

static void say_shared(Text *out, const Verdict *v) {
        say(out,
            " The node that uses the shared ones most makes %s of the accesses to them, %s are "
            "needed.",
            HUMAN_SHARE(v->observed), HUMAN_SHARE(v->threshold));
}

/* The gate that held it back, and the value that would open it. */
static bool say_gate(Text *out, const ProcessRow *row) {
        const Verdict *v = &row->verdict;

        switch (v->reason) {
        case REASON_TOO_YOUNG:
                say(out, " It is %s old and will be judged at an age of %s (gates.min_age).",
                    HUMAN_TIME(row->info.age_ns), HUMAN_TIME(double_to_u64(v->threshold)));
                return true;
        case REASON_TOO_SMALL:
                say(out, " It has %s resident; at least %s are needed (gates.min_rss).",
                    HUMAN_SIZE(row->info.rss_bytes), HUMAN_SIZE(double_to_u64(v->threshold)));
                return true;
        case REASON_LOW_SCORE:
                say(out, " It would have to lose at least %s (gates.min_score_percent).",
                    HUMAN_SHARE(v->threshold));
                return true;
        case REASON_LOW_STALL:
                say(out, " It would have to lose at least %s per second (gates.min_stall).",
                    HUMAN_TIME(double_to_u64(v->threshold)));
                return true;
        case REASON_LOW_REMOTE:
                say(out, " The lower bound, %s, would have to reach %s (gates.min_remote_percent).",
                    HUMAN_SHARE(v->observed), HUMAN_SHARE(v->threshold));
                return true;
        case REASON_TOO_FEW_SAMPLES:
                say(out,
                    " %.0f of %.0f evaluations brought samples; it has to use CPU time for longer.",
                    v->observed, v->threshold);
                return true;
        default:
                return false;
        }
}

/* Reasons that lie in where the process runs, or in the balance of gain and cost. */
static bool say_placement(Text *out, const ProcessRow *row, const Topology *t, uint64_t now_ns) {
        const Verdict *v = &row->verdict;

        switch (v->reason) {
        case REASON_MOVE:
        case REASON_SPREAD:
        case REASON_OBSERVED:
        case REASON_OTHER_MOVER:
                say_gain(out, v);
                say_target(out, v, t);
                return true;
        case REASON_SHARED:
                say_shared(out, v);
                return true;
        case REASON_MULTI_NODE:
                say_multi_node(out, v, t);
                return true;
        case REASON_UNSETTLED:
                say(out, " It must run on one node for %.0f evaluations and has for %.0f.",
                    v->threshold, v->observed);
                return true;
        case REASON_COST:
                say_cost(out, v, now_ns);
                return true;
        case REASON_NODE_FULL:
                say(out, " node%d would have to have %s available and has %s.",
                    describe_node_id(t, v->target_node), HUMAN_SIZE(double_to_u64(v->observed)),
                    HUMAN_SIZE(double_to_u64(v->threshold)));
                return true;
        case REASON_NO_TARGET:
                say(out, " The best node would save %s of its latency, %s are wanted.",
                    HUMAN_SHARE(v->observed), HUMAN_SHARE(v->threshold));
                return true;
        case REASON_BUDGET:
                say(out, " %.0f of at most %.0f moves are planned or under way.", v->observed,
                    v->threshold);
                return true;
        case REASON_ATTRIBUTES_UNKNOWN:
                say_gain(out, v);
                say(out, "; its memory policies are read again at the next evaluation.");
                return true;
        case REASON_BALANCED:
                if (v->observed > 0)
                        say(out,
                            " At most %s of its accesses are remote, from %s on it would be "
                            "looked at (gates.min_remote_percent).",
                            HUMAN_SHARE(v->observed), HUMAN_SHARE(v->threshold));
                return true;
        case REASON_COOLDOWN:
        case REASON_GAVE_UP:
        case REASON_PING_PONG:
        case REASON_NODE_BLOCKED:
                say_wait(out, v, now_ns);
                return true;
        default:
                return false;
        }
}

/* Properties of the process for which it is never touched. */
static void say_excluded(Text *out, const ProcessRow *row) {
        const ProcessInfo *p = &row->info;

        switch (row->verdict.reason) {
        case REASON_PINNED:
                say(out, " %s of its %s resident memory are pinned.", HUMAN_SIZE(p->pinned_bytes),
                    HUMAN_SIZE(p->rss_bytes));
                break;
        case REASON_HUGETLB:
                say(out, " It has %s in hugetlb pages; never.hugetlb = false would allow a move.",
                    HUMAN_SIZE(p->hugetlb_bytes));
                break;
        case REASON_LOCKED:
                say(out, " It has locked %s; never.locked = false would allow a move.",
                    HUMAN_SIZE(p->locked_bytes));
                break;
        case REASON_REALTIME:
                say(out, " never.realtime = false would allow a move.");
                break;
        case REASON_TASK_POLICY:
        case REASON_VMA_POLICY:
                say(out, " What a program decides about its own memory is respected always.");
                break;
        case REASON_DEVICE_MEMORY:
                say(out, " Where a device has been told to find it, memory has to stay.");
                break;
        case REASON_CPUSET:
                say(out, " Its cpuset would have to allow a second memory node.");
                break;
        default:
                break;
        }
}

char *explain_process(char *buf, size_t size, const ProcessRow *row, const Topology *t,
                      uint64_t now_ns) {
        char process[DESCRIBE_PROCESS_BYTES];
        Text out = { .buf = buf, .size = size };

        *buf = 0;
        say(&out, "%s %s.",
            describe_process(process, sizeof process, row->info.comm, row->info.id.pid),
            reason_sentence(row->verdict.reason));
        say_seen(&out, row, t);
        say_regions(&out, &row->verdict);
        if (!say_gate(&out, row) && !say_placement(&out, row, t, now_ns))
                say_excluded(&out, row);
        return buf;
}

char *explain_daemon(char *buf, size_t size, const StatusView *s) {
        Text out = { .buf = buf, .size = size };

        if (s->state_reason != REASON_RUNNING)
                say(&out, " At present the daemon %s.", reason_sentence(s->state_reason));
        return buf;
}
