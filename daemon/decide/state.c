/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mathx.h"
#include "decide/grow.h"
#include "decide/sort.h"
#include "decide/tuning.h"

int state_new(DecideState **ret, const Topology *topology, uint32_t capacity) {
        DecideState *state;
        int r;

        state = calloc(1, sizeof(*state));
        if (!state)
                return -ENOMEM;
        r = table_new(&state->tracks, capacity, sizeof(Track));
        if (r >= 0)
                r = table_new(&state->region_memory, capacity * REGION_MEMORY_SHARE,
                              sizeof(RegionMemory));
        if (r < 0) {
                table_free(state->tracks);
                free(state);
                return r;
        }
        latency_init(&state->latency, topology, NULL);
        state->page_cost_ns = PAGE_COST_START_NS;
        state->overloaded = NODE_NONE;
        *ret = state;
        return 0;
}

int decide_state_new(DecideState **ret, const Topology *topology) {
        return state_new(ret, topology, PROCESSES_MAX);
}

DecideState *decide_state_free(DecideState *state) {
        if (!state)
                return NULL;
        table_free(state->tracks);
        table_free(state->region_memory);
        free(state->choices);
        free(state->spreads);
        free(state->tracks_of);
        free(state->newcomers);
        free(state->candidates);
        free(state);
        return NULL;
}

static TableKey key_of(ProcessId id) {
        return (TableKey) { (uint64_t)id.pid, id.starttime };
}

static void track_reset(Track *track, const char *comm) {
        *track = (Track) {
                .exposed = EXPOSED_SHARE_START,
                .run_node = NODE_NONE,
        };
        for (unsigned i = 0; i < PLANNED_MAX; i++)
                track->planned[i].to = NODE_NONE;
        snprintf(track->comm, sizeof(track->comm), "%s", comm);
}

uint32_t track_planned(const Track *track) {
        uint32_t n = 0;

        for (unsigned i = 0; i < PLANNED_MAX; i++)
                n += track->planned[i].to != NODE_NONE;
        return n;
}

Track *state_track(DecideState *state, ProcessId id, const char *comm) {
        void *value;
        int r;

        r = table_insert(state->tracks, key_of(id), &value);
        if (r < 0)
                return NULL;
        if (r > 0)
                track_reset(value, comm);
        return value;
}

Track *state_find(const DecideState *state, ProcessId id) {
        return table_find(state->tracks, key_of(id));
}

void state_forget(DecideState *state, ProcessId id) {
        table_remove(state->tracks, key_of(id));
}

/* Small ones and those that nothing was seen of cannot become candidates. */
static bool wants_track(const ProcessView *view, const Settings *settings, pid_t self) {
        return view->evidence && !view->info->kernel_thread && view->info->id.pid != self &&
               (double)view->info->rss_bytes >= GATE_HYSTERESIS * (double)settings->min_rss_bytes;
}

static bool has_execed(const Track *track, const ProcessView *view) {
        if (track->exec_id != 0 && view->exec_id != 0)
                return track->exec_id != view->exec_id;
        return strcmp(track->comm, view->info->comm) != 0;
}

/* Takes up where the last evaluation left off, or starts anew. */
static void track_resume(Track *track, const ProcessView *view, uint64_t now_ns) {
        if (has_execed(track, view))
                track_reset(track, view->info->comm);
        /* A process may change its name without an exec. */
        snprintf(track->comm, sizeof(track->comm), "%s", view->info->comm);
        if (view->exec_id != 0)
                track->exec_id = view->exec_id;
        if (sub_sat(now_ns, track->last_seen_ns) > GAP_NS) {
                track->run_node = NODE_NONE;
                track->settled = 0;
                track->active = false;
        }
}

/* Nothing that would have to be remembered of a process that is away. */
static bool track_is_plain(const Track *track, uint64_t now_ns) {
        return !track->forbidden && track->cooldown_until_ns <= now_ns &&
               track->gave_up_until_ns <= now_ns;
}

void track_settle(Track *track, const Score *score, uint64_t now_ns) {
        bool single = score->run_share >= SINGLE_NODE_SHARE;

        if (score->run_node != track->run_node) {
                track->run_node = (int8_t)score->run_node;
                track->stable_since_ns = now_ns;
                track->settled = single ? 1 : 0;
        } else if (!single)
                track->settled = 0;
        else if (track->settled < SETTLED_EVALUATIONS && now_ns != track->settled_ns)
                track->settled++;
        track->settled_ns = now_ns;
}

static void forget(DecideState *state, uint64_t unseen_since_ns, bool plain_only, uint64_t now_ns) {
        uint32_t cursor = 0;
        TableKey key;
        Track *track;

        while ((track = table_next(state->tracks, &cursor, &key)))
                if (track->last_seen_ns < unseen_since_ns &&
                    (!plain_only || track_is_plain(track, now_ns)))
                        table_remove(state->tracks, key);
}

uint64_t state_blocked_until(const DecideState *state, const NodeState *node, int index) {
        return state->blocks[index].until_ns > node->blocked_until_ns
                       ? state->blocks[index].until_ns
                       : node->blocked_until_ns;
}

static uint32_t room(const DecideState *state) {
        return table_capacity(state->tracks) - table_count(state->tracks);
}

/* Every step removes all that it may, so what is left does not depend on the order of processes.
 * What the snapshot holds was marked as seen now before. */
static void make_room(DecideState *state, size_t wanted, uint64_t now_ns) {
        if (room(state) < wanted)
                forget(state, sub_sat(now_ns, GAP_NS), true, now_ns);
        if (room(state) < wanted)
                forget(state, now_ns, true, now_ns);
        if (room(state) < wanted)
                forget(state, now_ns, false, now_ns);
}

static int compare_newcomers(const void *a, const void *b, void *userdata) {
        const ProcessView *views = userdata;
        const ProcessInfo *x = views[*(const size_t *)a].info, *y = views[*(const size_t *)b].info;

        if (x->rss_bytes != y->rss_bytes)
                return x->rss_bytes > y->rss_bytes ? -1 : 1;
        if (x->id.pid != y->id.pid)
                return x->id.pid < y->id.pid ? -1 : 1;
        return (x->id.starttime > y->id.starttime) - (x->id.starttime < y->id.starttime);
}

static void admit(DecideState *state, const Snapshot *snapshot, size_t n, uint64_t now_ns) {
        make_room(state, n, now_ns);
        if (room(state) < n)
                sort_in_place(state->newcomers, n, sizeof(*state->newcomers), compare_newcomers,
                              (void *)snapshot->processes);
        for (size_t i = 0; i < n; i++) {
                const ProcessInfo *info = snapshot->processes[state->newcomers[i]].info;
                Track *track = state_track(state, info->id, info->comm);

                if (!track)
                        return;
                track->exec_id = snapshot->processes[state->newcomers[i]].exec_id;
                track->last_seen_ns = now_ns;
                state->tracks_of[state->newcomers[i]] = track;
        }
}

int state_follow(DecideState *state, const Snapshot *snapshot, const Settings *settings,
                 uint64_t now_ns) {
        size_t n = 0;

        if (GROW(state->tracks_of, state->tracks_of_allocated, snapshot->n_processes) < 0 ||
            GROW(state->newcomers, state->newcomers_allocated, snapshot->n_processes) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < snapshot->n_processes; i++) {
                const ProcessView *view = &snapshot->processes[i];
                Track *track;

                state->tracks_of[i] = NULL;
                if (!wants_track(view, settings, snapshot->self))
                        continue;
                track = state_find(state, view->info->id);
                if (!track) {
                        state->newcomers[n++] = i;
                        continue;
                }
                track_resume(track, view, now_ns);
                track->last_seen_ns = now_ns;
                state->tracks_of[i] = track;
        }
        if (n > 0)
                admit(state, snapshot, n, now_ns);
        return 0;
}
