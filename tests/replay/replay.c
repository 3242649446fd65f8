/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "decide/decide.h"
#include "model/recording.h"

/* Asks the policy again what it makes of a recording.
 *
 *   replay RECORDING           prints what it decides: a line for each process whose reason changed,
 *                              and its move
 *   replay RECORDING GOLDEN    compares that with a file; exit code 1 when it differs */

/* Reason of each process in the last evaluation, by its place in the recording. */
typedef struct Told {
        ProcessId id;
        Reason reason;
} Told;

static Told told[PROCESSES_MAX];
static size_t n_told;

static Told *find_told(ProcessId id) {
        for (size_t i = 0; i < n_told; i++)
                if (process_id_equal(told[i].id, id))
                        return &told[i];
        if (n_told == PROCESSES_MAX)
                return NULL;
        told[n_told] = (Told) { id, REASON_NONE };
        return &told[n_told++];
}

static void print_verdict(FILE *out, const Snapshot *s, const Verdict *v, uint64_t now_ns,
                          const char *comm) {
        char name[ESCAPE_BYTES(COMM_BYTES)];

        escape_string(name, sizeof(name), comm);
        fprintf(out, "%8.1f s  %s[%d] %s%s: %.4g of %.4g", (double)now_ns / 1e9, name,
                (int)v->id.pid, reason_to_string(v->reason), v->candidate ? " (candidate)" : "",
                v->observed, v->threshold);
        fprintf(out, "; remote %.3f (%.3f to %.3f), score %.4f", v->remote_share, v->remote_lower,
                v->remote_upper, v->score);
        if (v->target_node >= 0)
                fprintf(out, ", to node%d", s->topology->node_id[v->target_node]);
        if (v->regions > 0)
                fprintf(out,
                        "\n            %" PRIu32 " regions: %" PRIu32 " away, %" PRIu32
                        " at home, %" PRIu32 " shared",
                        v->regions, v->regions_away, v->regions_home, v->regions_shared);
        fputc('\n', out);
}

static void print_move(FILE *out, const Snapshot *s, const Plan *plan, ProcessId id) {
        for (size_t i = 0; i < plan->n_moves; i++) {
                const Move *m = &plan->moves[i];

                if (!process_id_equal(m->id, id))
                        continue;
                fprintf(out,
                        "            %s: nodes 0x%" PRIx64 " to node%d, %" PRIu64
                        " bytes, benefit %.4g s, cost %.4g s, remote %.3f to %.3f\n",
                        m->observe ? "would move" : "move", m->from, s->topology->node_id[m->to],
                        m->bytes, m->benefit_ns / 1e9, m->cost_ns / 1e9, m->remote_before,
                        m->remote_expected);
                if (m->n_ranges > 0)
                        fprintf(out,
                                "            %s %" PRIu32 " ranges, first 0x%" PRIx64
                                " to 0x%" PRIx64 "\n",
                                m->ranges_only ? "only" : "beginning with", m->n_ranges,
                                m->ranges[0].start, m->ranges[0].end);
        }
}

/* A move stays in the plan until it is carried out; it is printed when it enters. */
static void print_plan(FILE *out, const Snapshot *s, const Plan *plan, uint64_t now_ns) {
        for (size_t i = 0; i < plan->n_verdicts; i++) {
                const Verdict *v = &plan->verdicts[i];
                Told *last = find_told(v->id);

                if (!last || last->reason == v->reason)
                        continue;
                last->reason = v->reason;
                print_verdict(out, s, v, now_ns, s->processes[i].info->comm);
                print_move(out, s, plan, v->id);
        }
}

static int replay(Recording *r, FILE *out) {
        DecideState *state = NULL;
        RecordingEvent e;
        Plan plan = {};
        int k;

        k = decide_state_new(&state, recording_topology(r));
        if (k < 0)
                return k;
        while ((k = recording_next(r, &e)) > 0) {
                const Settings *settings = recording_settings(r);

                if (e.kind == RECORDING_OUTCOME)
                        decide_learn(state, &e.outcome, settings, e.now_ns);
                else if (e.kind == RECORDING_REVIEW)
                        decide_review(state, &e.outcome, e.after, settings, e.now_ns);
                else if ((k = decide(&e.snapshot, state, settings, e.now_ns, &plan)) < 0)
                        break;
                else
                        print_plan(out, &e.snapshot, &plan, e.now_ns);
        }
        plan_done(&plan);
        decide_state_free(state);
        return k;
}

/* 0 when text equals the file's content, else 1, and says where they part. */
static int compare(const char *text, const char *path) {
        char *line = NULL;
        size_t allocated = 0;
        unsigned number = 0;
        FILE *f = fopen(path, "re");
        int differs = 0;

        if (!f) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return 1;
        }
        while (!differs) {
                ssize_t n = getline(&line, &allocated, f);
                size_t here = strcspn(text, "\n") + (strchr(text, '\n') != NULL);

                number++;
                if (n < 0 && here == 0)
                        break;
                if (n < 0 || (size_t)n != here || memcmp(line, text, here) != 0) {
                        fprintf(stderr, "%s:%u: expected %sgot %.*s\n", path, number,
                                n < 0 ? "the end, " : line, (int)here, text);
                        differs = 1;
                }
                text += here;
        }
        free(line);
        fclose(f);
        return differs;
}

int main(int argc, char **argv) {
        Recording *r = NULL;
        char *text = NULL;
        size_t size = 0;
        FILE *in, *out;
        int k;

        if (argc < 2 || argc > 3) {
                fprintf(stderr, "Usage: %s RECORDING [GOLDEN]\n", argv[0]);
                return 2;
        }
        in = fopen(argv[1], "re");
        if (!in) {
                fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
                return 1;
        }
        out = argc == 3 ? open_memstream(&text, &size) : stdout;
        if (!out)
                return 1;
        k = recording_open(&r, in);
        if (k >= 0)
                k = replay(r, out);
        if (k < 0)
                fprintf(stderr, "%s:%u: %s\n", argv[1], r ? recording_line(r) : 0, strerror(-k));
        recording_free(r);
        fclose(in);
        if (argc == 3) {
                fclose(out);
                if (k >= 0)
                        k = compare(text, argv[2]);
                free(text);
        }
        return k == 0 ? 0 : 1;
}
