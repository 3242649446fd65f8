/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "base/clock.h"
#include "system/process_read.h"

/* Writes the record of a job; e is what was seen of the process since then, or NULL. */
static void tell(Manager *m, const Outcome *o, const Evidence *e) {
        uint64_t now_ns = clock_monotonic_ns();
        Counters before = {}, after = {};

        decide_count(m->decide_state, &before);
        decide_review(m->decide_state, o, e, &m->settings, now_ns);
        decide_count(m->decide_state, &after);
        manager_record_review(m, o, e, now_ns);
        journal_migration(o, &m->topology, m->source_told);
        if (after.moves_disappointing > before.moves_disappointing)
                journal_no_help(o, &m->topology, m->source_told);
        report_bus_job_verified(m->bus, o);
        if (o->reason == REASON_NO_MEMORY)
                journal_node_full(o, &m->topology);
}

static void count_outcome(Manager *m, const Outcome *o) {
        Counters *c = &m->counters;

        if (outcome_is_complete(o) || o->reason == REASON_PARTLY)
                c->migrations_finished++;
        else
                c->migrations_failed++;
        c->pages_moved += o->pages_moved;
        c->pages_failed += o->pages_failed + o->pages_retry;
        c->pages_shared += o->pages_shared;
        c->bytes_moved += o->bytes_moved;
        c->move_usec += o->busy_ns / NSEC_PER_USEC;
        for (int i = 0; i < FAILURE_MAX; i++) {
                m->failures[i] += o->failures[i];
                m->failed_bytes[i] += o->failed_bytes[i];
        }
}

/* What a process did before its pages moved says nothing about where they are now. Of regions that
 * were not moved it still does. */
static void forget_old_evidence(Manager *m, const Outcome *o) {
        Tracked *p = table_find(m->tracked, tracked_key(o->move.id));

        if (!o->move.ranges_only)
                observer_forget(m->observer, o->move.id);
        else if (o->move.ranges && o->pages_moved > 0)
                observer_moved(m->observer, o->move.id, o->move.ranges, o->move.n_ranges,
                               o->move.to);
        if (p)
                p->resident_ns = 0;
}

static void job_finished(Manager *m, Outcome *o) {
        cleanup_free AddressRange *ranges = manager_take_ranges(m, o);
        uint64_t now_ns = clock_monotonic_ns(), not_before_ns;

        o->remote_after = NAN;
        count_outcome(m, o);
        decide_learn(m->decide_state, o, &m->settings, now_ns);
        manager_record_outcome(m, o, now_ns);
        forget_old_evidence(m, o);
        o->move.ranges = NULL; /* nobody else needs them */
        report_bus_job_finished(m->bus, o);

        if (o->reason == REASON_PROCESS_GONE)
                return; /* nothing to tell: processes end */
        if (o->pages_moved == 0 || m->n_pending == PENDING_MAX) {
                tell(m, o, NULL);
                return;
        }
        /* What is known of other regions stays, and outweighs at first what the moved ones bring. */
        not_before_ns = now_ns + (o->move.ranges_only ? EVIDENCE_HALF_LIFE_NS : 0);
        m->pending[m->n_pending++] = (PendingOutcome) {
                .outcome = *o,
                .evaluations_left = VERIFY_EVALUATIONS,
                .not_before_ns = not_before_ns,
                .deadline_ns = not_before_ns + VERIFY_WAIT_NSEC,
        };
}

static const Evidence *evidence_of(Manager *m, ProcessId id) {
        for (size_t i = 0; i < m->n_views; i++)
                if (process_id_equal(m->views[i].info->id, id))
                        return m->views[i].evidence;
        return NULL;
}

/* True when the record can be written; e is what was seen of the process since its job, or NULL. */
static bool outcome_is_settled(Manager *m, PendingOutcome *p, const Evidence *e, uint64_t now_ns) {
        if (p->evaluations_left > 0)
                p->evaluations_left--;
        if (e && p->evaluations_left == 0 && now_ns >= p->not_before_ns &&
            e->samples >= VERIFY_SAMPLES_MIN) {
                p->outcome.remote_after = evidence_remote_share(e);
                return true;
        }
        return now_ns >= p->deadline_ns || process_check(&m->root, p->outcome.move.id) < 0;
}

void manager_verify_outcomes(Manager *m, uint64_t now_ns) {
        size_t kept = 0;

        for (size_t i = 0; i < m->n_pending; i++) {
                PendingOutcome *p = &m->pending[i];
                const Evidence *e = evidence_of(m, p->outcome.move.id);

                if (outcome_is_settled(m, p, e, now_ns))
                        tell(m, &p->outcome, e);
                else
                        m->pending[kept++] = *p;
        }
        m->n_pending = kept;
}

void manager_flush_outcomes(Manager *m) {
        for (size_t i = 0; i < m->n_pending; i++)
                tell(m, &m->pending[i].outcome, NULL);
        m->n_pending = 0;
}

void manager_take_outcomes(Manager *m) {
        Outcome o;

        while (mover_next_event(m->mover, &o) > 0) {
                if (o.state == JOB_FINISHED)
                        job_finished(m, &o);
                else if (o.state == JOB_WAITING) {
                        m->counters.retries++;
                        journal_job_retried(&o, &m->topology);
                }
        }
}

static int on_mover(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *m = userdata;

        manager_take_outcomes(m);
        manager_update_state(m);
        return 0;
}

void manager_finish_jobs(Manager *m) {
        if (!m->mover)
                return; /* nothing to move on this machine */
        mover_stop(m->mover);
        manager_take_outcomes(m);
}

int manager_start_jobs(Manager *m) {
        int r;

        r = sd_event_add_io(m->event, &m->mover_source, mover_get_fd(m->mover), EPOLLIN, on_mover,
                            m);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(m->mover_source, "engine");
        return sd_event_source_set_priority(m->mover_source, SD_EVENT_PRIORITY_NORMAL - 5);
}
