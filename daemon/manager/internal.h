/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include <systemd/sd-event.h>

#include "decide/decide.h"
#include "manager/manager.h"
#include "manager/mover_watch.h"
#include "manager/tracked.h"
#include "migrate/mover.h"
#include "model/rules.h"
#include "model/settings.h"
#include "model/snapshot.h"
#include "model/view.h"
#include "observe/migrations.h"
#include "observe/observer.h"
#include "report/bus.h"
#include "system/other_mover.h"
#include "system/process_names.h"
#include "system/root.h"
#include "system/vmstat.h"

/* A moved process is looked at again this many evaluations after its job, so that the record tells
 * what the move achieved. */
#define VERIFY_EVALUATIONS 2

/* Samples that a remote share after the move needs to be worth telling, and how long to wait for
 * them before the record is written without. */
#define VERIFY_SAMPLES_MIN 8.0
#define VERIFY_WAIT_NSEC   (15 * NSEC_PER_SEC)

/* A finished job whose effect is still being observed. */
typedef struct PendingOutcome {
        Outcome outcome;
        uint64_t evaluations_left;
        uint64_t not_before_ns;
        uint64_t deadline_ns;
} PendingOutcome;

#define PENDING_MAX 256

/* What an unfinished job moves, where that is not a whole process. */
typedef struct KeptRanges {
        uint64_t job;         /* 0: unused */
        AddressRange *ranges; /* ascending */
        uint32_t n;
} KeptRanges;

/* The engine takes no more jobs at a time. */
#define KEPT_RANGES_MAX 64

typedef struct Manager {
        /* fixed at the start */
        ManagerOptions options;
        SystemRoot root;
        Topology topology;
        int lock_fd;
        uint64_t start_realtime_usec;
        uint64_t start_monotonic_usec;

        /* configuration */
        Settings settings;
        Rules *rules;
        Users *users; /* NULL: no rule asks for user names */
        char *last_reload_error;

        /* the rooms */
        Observer *observer;
        DecideState *decide_state;
        Mover *mover;
        ReportBus *bus;

        /* the loop */
        sd_event *event;
        sd_event_source *tick_source;
        sd_event_source *observer_source;
        sd_event_source *mover_source;
        sd_event_source *pause_source; /* NULL: no end of a pause is due */
        int exit_status;

        /* state */
        DaemonState state;
        Reason state_reason;
        EvidenceSource source_told;
        bool paused;
        uint64_t paused_until_usec; /* CLOCK_REALTIME; 0: not paused, UINT64_MAX: until resumed */
        int balancing;              /* kernel.numa_balancing, negative errno when unknown */
        uint64_t kernel_read_ns;    /* when it and the watermarks were read */
        uint64_t quiet_since_ns;    /* 0: something is going on */

        /* what the kernel and others move */
        MigrationCounter *migrations; /* NULL: the kernel cannot be asked, for: */
        char migrations_problem[MIGRATIONS_PROBLEM_BYTES];
        KernelMoves kernel_moves;
        MoverWatch mover_watch;
        MoverScan mover_scan;
        uint64_t scanned_ns; /* when the last walk over all processes began */
        Vmstat vmstat_start; /* at the start of the daemon */
        uint64_t vmstat_read_ns;

        /* what the last tick saw */
        Table *tracked; /* of Tracked */
        NodeState nodes[NODES_MAX];
        ProcessView *views;
        size_t n_views;
        size_t views_allocated;
        Region *regions; /* [REGIONS_MAX] of the views */
        Plan plan;

        /* accounts */
        Counters counters;
        uint64_t failures[FAILURE_MAX];
        uint64_t failed_bytes[FAILURE_MAX];
        PendingOutcome pending[PENDING_MAX];
        size_t n_pending;
        KeptRanges kept_ranges[KEPT_RANGES_MAX];
        char *status_sent;
        FILE *recording; /* NULL: nobody wants one */
        uint64_t recording_until_ns;
} Manager;

/* tick.c: one evaluation, and the timer that drives it. */
int manager_start_tick(Manager *m);

/* snapshot.c: brings the tracked processes up to date and fills m->views. */
int manager_build_snapshot(Manager *m, uint64_t now_ns, Snapshot *ret);
/* Age of a process at boot_ns (CLOCK_BOOTTIME), from its start time in clock ticks. */
uint64_t manager_age_ns(ProcessId id, uint64_t boot_ns);

/* act.c: from verdicts to jobs. */
void manager_take_verdicts(Manager *m, uint64_t now_ns);
void manager_act(Manager *m, uint64_t now_ns);
/* Asks for the memory policies of p; on failure they are unknown. 0, or a negative errno. */
int manager_read_policy(Manager *m, Tracked *p, uint64_t now_ns);

/* ranges.c: what the jobs move; the engine does not tell that at the end. */
void manager_keep_ranges(Manager *m, uint64_t job, const Move *move);
/* Forgets it and lets the outcome refer to it; the caller frees what is returned, NULL: not known. */
AddressRange *manager_take_ranges(Manager *m, Outcome *o);

/* jobs.c: events of the engine, and the look back at what a job achieved. */
int manager_start_jobs(Manager *m);
void manager_take_outcomes(Manager *m);
void manager_verify_outcomes(Manager *m, uint64_t now_ns);
void manager_flush_outcomes(Manager *m);
/* Ends all jobs and takes their last events; at the end of the daemon. */
void manager_finish_jobs(Manager *m);

/* state.c: which state the daemon is in, told to systemd, journal and bus. */
void manager_update_state(Manager *m);

/* status.c: the daemon as a whole, for everybody who tells of it. */
void manager_status(Manager *m, StatusView *ret);

/* pause.c: moves are held back for so many microseconds (0, or more than a year: until resumed). */
int manager_pause(Manager *m, uint64_t usec);
int manager_resume(Manager *m);

/* Refuses what does not fit this machine: -EBADMSG and a sentence, which the caller frees. */
int manager_check_machine(const Manager *m, const Settings *settings, char **ret_message);

/* kernel.c: reads kernel.numa_balancing and the watermarks when they were not read for a minute. */
void manager_read_kernel(Manager *m, uint64_t now_ns);
/* After new settings: reads them at once, and tells when a changed kernel_balancing is not in force. */
void manager_kernel_reloaded(Manager *m, KernelBalancing before, uint64_t now_ns);
/* The findings of manager_diagnose(), judged by the settings. */
size_t manager_findings(Manager *m, Finding *ret, size_t max);

/* movers.c: what the kernel and other programs move. open: while the privileges are there. yields:
 * whether the daemon only observes because of them. */
void manager_open_migrations(Manager *m);
void manager_watch_movers(Manager *m, uint64_t now_ns);
bool manager_yields(const Manager *m);

/* reload.c */
int manager_load_settings(Manager *m, Settings *ret, Rules **ret_rules, char **ret_message);
void manager_reload(Manager *m);

/* rules.c: set_rules takes them over; match_rules fills rule_mode and rule of a process. */
void manager_set_rules(Manager *m, Rules *rules);
void manager_match_rules(Manager *m, ProcessInfo *info);

/* view.c: what the control interface reads. */
void manager_backend(Manager *m, ReportBackend *ret);

/* order.c: a move ordered by hand; as ReportBackend.migrate. */
int manager_order(Manager *m, const MoveRequest *request, uint64_t *ret_job, Reason *ret_reason);

/* record.c: begins a recording of what the policy sees into a regular file, for so many seconds;
 * the descriptor stays the caller's. -EBUSY: there is one; -ENODATA: no evaluations take place;
 * -EBADF: no regular file open for writing. The others do nothing while there is none. */
int manager_record(Manager *m, int fd, uint32_t seconds);
void manager_record_stop(Manager *m);
void manager_record_snapshot(Manager *m, const Snapshot *snapshot, uint64_t now_ns);
void manager_record_outcome(Manager *m, const Outcome *o, uint64_t now_ns);
void manager_record_review(Manager *m, const Outcome *o, const Evidence *after, uint64_t now_ns);

/* doctor.c: everything that the daemon needs, from the machine and to be heard: one list for the start,
 * the method Diagnose and --doctor. sampling: the daemon samples already. bus NULL: no daemon runs. */
size_t manager_diagnose(const SystemRoot *root, const Topology *t, bool sampling,
                        const ReportBus *bus, Finding *ret, size_t max);

/* start.c: lock, privileges. */
int manager_take_lock(int *ret_fd, pid_t *ret_other);
int manager_drop_privileges(void);
