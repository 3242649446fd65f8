/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "model/finding.h"
#include "model/view.h"

/* Structured records to journald (or, where stderr is no journal stream, readable lines with
 * <priority> prefixes on stderr). One function per kind of record; each kind has one MESSAGE_ID in
 * report/messages.h, a priority there, and an entry in conf/numabalancerd.catalog. Repeats of a
 * kind for the same subject are limited and counted. */

void journal_started(const StatusView *status);
void journal_stopping(const StatusView *status);
void journal_state_changed(const StatusView *status);
void journal_source_changed(const StatusView *status);
void journal_migration(const Outcome *outcome, const Topology *t, EvidenceSource source);
void journal_would_migrate(const Move *move, const Topology *t, EvidenceSource source);
void journal_job_retried(const Outcome *outcome, const Topology *t);
/* A process is left alone from now on, because moves of it did not do what they promised; now_ns is
 * CLOCK_MONOTONIC. */
void journal_left_alone(const ProcessInfo *info, const Verdict *v, EvidenceSource source,
                        uint64_t now_ns);
/* The effect of a move is known, and it is less than a quarter of what was promised. */
void journal_no_help(const Outcome *outcome, const Topology *t, EvidenceSource source);

/* A finding of the doctor at the start that is not good; another program that moves pages has a kind
 * of its own. Good ones are ignored. */
void journal_finding(const Finding *finding);

/* While the daemon runs, another program began to move pages (present), or has stopped that. comm is
 * raw; NULL and pid 0 where it is not known who. Limited by pid. */
void journal_other_mover(const char *comm, pid_t pid, bool present);
void journal_node_full(const Outcome *outcome, const Topology *t);
void journal_reloaded(void);
void journal_reload_refused(const char *message);

/* A line without a kind of its own: priority as in syslog(3), printf format. */
void journal_log(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
