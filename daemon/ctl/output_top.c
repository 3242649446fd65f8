/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "base/human.h"
#include "base/mathx.h"
#include "ctl/columns.h"
#include "ctl/json.h"
#include "ctl/output.h"

/* Moves that have lines of their own: the processes below are to be seen as well. */
#define TOP_JOBS 5

/* How much a counter grew since the picture before; all of it in the first. */
static uint64_t growth(const DaemonData *now, const DaemonData *previous, const char *key) {
        return sub_sat(json_u64(now->stats, key), previous ? json_u64(previous->stats, key) : 0);
}

static void top_head(FILE *f, const DaemonData *now, const DaemonData *previous) {
        json_object *p = now->properties;
        uint64_t accesses = growth(now, previous, "AccessesTotal");

        fprintf(f, "numabalancerd %s  %s (it %s)  mode %s  source %s\n", json_text(p, "Version"),
                json_text(p, "State"), output_reason(json_text(p, "StateReason")),
                json_text(p, "Mode"), json_text(p, "Source"));
        fprintf(f, "%s: %" PRIu64 " accesses seen, %s remote  %s moved  %" PRIu64 " pages failed\n",
                previous ? "Since the last picture" : "Since the start", accesses,
                accesses ? HUMAN_SHARE((double)growth(now, previous, "SamplesRemote") /
                                       (double)accesses)
                         : "-",
                HUMAN_SIZE(growth(now, previous, "BytesMoved")),
                growth(now, previous, "PagesFailed"));
}

int output_top(FILE *f, const DaemonData *now, const DaemonData *previous) {
        int r;

        top_head(f, now, previous);
        fputc('\n', f);
        r = output_nodes_compact(f, now->nodes, false);
        if (r < 0)
                return r;
        fputc('\n', f);
        if (json_object_array_length(now->jobs) > 0) {
                output_progress(f, now->jobs, TOP_JOBS);
                fputc('\n', f);
        }
        return output_processes(f, now->processes, false);
}
