/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/mathx.h"

#include "migrate/job-internal.h"

/* After the first unit that was not huge so many full ones go without a try, doubling from there:
 * a try that fails costs one call for one page. */
#define HUGE_PENALTY_FIRST 4
#define HUGE_PENALTY_MAX   64

/* Makes job->unit one with pages: 1, 0 at the end, -EAGAIN when there may be more. */
static int job_next_unit(Job *job, const JobEnv *env) {
        if (job->unit_page < UNIT_PAGES)
                return 1;
        if (job->n_rest > 0) {
                job->unit = job->rest[0];
                memmove(&job->rest[0], &job->rest[1], --job->n_rest * sizeof(job->rest[0]));
                job->unit_page = 0;
                job->unit_fresh = unit_is_full(&job->unit);
                return 1;
        }
        if (job->scanned)
                return 0;
        int r = job_find(job, env, &job->unit);
        if (r == 0)
                job->scanned = true;
        if (r <= 0)
                return r;
        job->unit_page = 0;
        job->unit_fresh = true;
        return 1;
}

/* Whether to try the present unit as a huge page. Counts the full units that are passed over. */
static bool job_tries_huge(Job *job) {
        if (!job->unit_fresh || !unit_is_full(&job->unit))
                return false;
        if (job->huge.skip == 0)
                return true;
        job->huge.skip--;
        job->unit_fresh = false;
        return false;
}

static void fill_huge(Job *job, const JobEnv *env) {
        Chunk *c = &job->chunk;
        uint32_t most = job_chunk_size(job, env, CALL_HUGE);

        if (job->huge.units == 0)
                job->huge.units = 1;
        if (most > job->huge.units)
                most = job->huge.units;
        if (most > CHUNK_UNITS_MAX)
                most = CHUNK_UNITS_MAX;
        c->huge = true;
        do {
                c->address[c->n++] = job->unit.base;
                job->unit_page = UNIT_PAGES;
        } while (c->n < most && job->n_rest == 0 && job_next_unit(job, env) == 1 &&
                 job_tries_huge(job));
}

static int fill_from_scan(Job *job, const JobEnv *env) {
        Chunk *c = &job->chunk;
        uint32_t wanted = job_chunk_size(job, env, CALL_BASE);

        while (c->n < wanted) {
                int r = job_next_unit(job, env);
                if (r == -EAGAIN && c->n > 0)
                        break;
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                if (job_tries_huge(job)) {
                        /* The pages in hand go first; the unit waits. */
                        if (c->n == 0)
                                fill_huge(job, env);
                        break;
                }
                job->unit_fresh = false;
                c->n += unit_take(&job->unit, &job->unit_page, env->kernel->page_bytes,
                                  c->address + c->n, wanted - c->n);
        }
        return c->n > 0;
}

/* Pages that others map are tried from this pass on: what is busy with them may be over by then. */
#define SHARED_PASS 3

static int fill_from_list(Job *job, const JobEnv *env, ChunkResult *result) {
        uint32_t wanted = job_chunk_size(job, env, CALL_RETRY);
        WorkList *list = &job->left;
        Chunk *c = &job->chunk;

        c->n = worklist_take(list, c->address, wanted);
        if (c->n == 0 && job->outcome.passes >= SHARED_PASS && job_moves_shared(job, env)) {
                list = &job->shared;
                c->n = worklist_take(list, c->address, wanted);
                c->all = true;
        }
        if (c->n == 0)
                return 0;
        int r = chunk_filter(c, env->kernel, result);
        if (r < 0) {
                /* Nothing was tried: they are still to be moved. */
                for (uint32_t i = 0; i < c->n; i++)
                        (void)worklist_add(list, c->address[i]);
                return r;
        }
        return 1;
}

/* More than one CPU may be used only for a process that does not feel it. */
static uint32_t job_lanes(const Job *job) {
        return job->progress.brake > 0 ? 1 : job->order.cpu_percent / 100;
}

int job_fill(Job *job, const JobEnv *env, ChunkResult *result) {
        Chunk *c = &job->chunk;

        c->pid = job->outcome.move.id.pid;
        c->from = job->outcome.move.from;
        c->to = job->outcome.move.to;
        c->n = 0;
        c->huge = c->all = false;
        c->crew = env->crew;
        c->lanes = job_lanes(job);
        if (job->outcome.passes > 1)
                return fill_from_list(job, env, result);
        int r = job_find_ahead(job, env);
        if (r < 0)
                return r;
        r = fill_from_scan(job, env);
        return r == -EAGAIN ? 1 : r;
}

/* All of them huge: more at once. None: not so soon again. */
static void guess_learn(HugeGuess *g, uint32_t tried, uint32_t whole) {
        if (whole == tried) {
                g->units = g->units < CHUNK_UNITS_MAX / 2 ? g->units * 2 : CHUNK_UNITS_MAX;
                g->penalty = 0;
                return;
        }
        g->units = 1;
        if (whole > 0)
                return;
        g->penalty = g->penalty == 0 ? HUGE_PENALTY_FIRST : g->penalty * 2;
        if (g->penalty > HUGE_PENALTY_MAX)
                g->penalty = HUGE_PENALTY_MAX;
        g->skip = g->penalty;
}

CallKind job_call_kind(const Job *job) {
        return job->chunk.huge ? CALL_HUGE : job->outcome.passes > 1 ? CALL_RETRY : CALL_BASE;
}

int job_move(Job *job, const JobEnv *env, ChunkResult *result) {
        Chunk *c = &job->chunk;
        uint32_t whole;

        if (!c->huge) {
                int r = chunk_move(c, env->kernel, result);
                job_learn(job, env, job_call_kind(job), c->n, result->busy_ns);
                return r;
        }
        int r = chunk_move_huge(c, env->kernel, result, job->rest, &job->n_rest, &whole);
        if (r < 0)
                return r;
        /* Pages go in ascending order: what the call left, then the unit that was found behind. */
        if (job->unit_page == 0) {
                job->rest[job->n_rest++] = job->unit;
                job->unit_page = UNIT_PAGES;
        }
        guess_learn(&job->huge, c->n, whole);
        if (whole == c->n)
                job_learn(job, env, CALL_HUGE, whole, result->busy_ns);
        return 0;
}

uint64_t job_pages_in_hand(Job *job) {
        uint64_t n = found_pages(&job->found);

        if (job->unit_page < UNIT_PAGES)
                n += unit_count(&job->unit);

        for (uint32_t i = 0; i < job->n_rest; i++)
                n += unit_count(&job->rest[i]);
        if (job->filled)
                n += (uint64_t)job->chunk.n * (job->chunk.huge ? UNIT_PAGES : 1);
        return n;
}
