/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/cpu_scanner.h"
#include "observe/life.h"
#include "observe/observer_hook.h"
#include "observe/policy.h"
#include "observe/process_table.h"
#include "observe/resolve.h"
#include "observe/skid.h"
#include "observe/source.h"

/* Shared by the files of the observer; nobody else includes it. */

#define SLOTS_MAX 4

/* A source that is wanted, in the order of preference. */
typedef struct SourceSlot {
        const SourceType *type;
        Source *source;              /* NULL: does not run */
        uint64_t failed_ns;          /* when it was last tried in vain */
        char problem[PROBLEM_BYTES]; /* why it does not run */
} SourceSlot;

/* What the clock source learned of this processor; outlives its stop and start. */
typedef struct SkidState {
        SkidModel model;
        SkidCalibration calibration;
        bool settled; /* by the samples, or from outside */
        unsigned block_percent;
} SkidState;

struct Observer {
        const Topology *topology;
        const SystemRoot *root;
        Settings settings; /* what the sources were opened with */
        SourceSlot slots[SLOTS_MAX];
        unsigned n_slots;
        SourceSlot timekeeper; /* counts CPU time for sources that cannot; type NULL: not needed */
        CpuScanner *scanner;   /* counts it where no program can */
        uint64_t scan_not_before_ns;
        PolicyReader *policy;
        Life *life;         /* NULL: nothing tells of ends */
        uint64_t life_lost; /* what of it is in the counters */
        bool running;
        int epoll_fd; /* of the descriptors of the sources; -1 while stopped */
        ProcessTable *processes;
        Resolver *resolver;
        SkidState skid;
        RateController rate;
        RateChoice choice;       /* in force */
        uint64_t spent_ns;       /* CPU time of dispatch and collect in this interval */
        uint64_t run_ns_before;  /* BPF run time at the last collect */
        uint64_t collected_ns;   /* time of the last collect, 0 before the first */
        const Observed **active; /* [PROCESSES_MAX] */
        size_t n_active;
        Ledger ledger;
        Counters ended;        /* of sources that were closed */
        uint64_t ended_run_ns; /* of their programs */
        ObserverSampleHook hook;
        void *hook_userdata;
        bool prefer_kprobe;
        char description[1024];
};

/* sources.c: which sources run */

/* Fills the slots with what settings ask for and opens them. The error of the first where none runs,
 * or where the one that was named does not. */
int sources_open(Observer *o, const Settings *settings);
void sources_close(Observer *o);

/* Closes a source that failed in a slot; problem tells why. */
void sources_fail(Observer *o, SourceSlot *slot, const char *problem);

/* Opens again what does not run, if its turn has come; keeps somebody counting CPU time. */
void sources_tend(Observer *o, uint64_t now_ns);

/* The first that runs and is not idle, or NULL. */
const SourceSlot *sources_first(const Observer *o);

/* The running sources, the timekeeper included, one after the other: start with 0; NULL at the end. */
SourceSlot *sources_next(Observer *o, unsigned *i);

/* account.c */

/* Forgets a process and what waits for it. */
void observer_remove(Observer *o, TrackedProcess *p);

/* Takes in which processes have ended or execute another program. */
void observer_take_life(Observer *o);

/* select.c: which source judges a process */

/* The source of a process that nothing is known of yet. */
void select_first_source(Observer *o, TrackedProcess *p);

/* Chooses the source of a process at the end of an interval, by what each brought; tells which was passed
 * over. */
Source *select_source(Observer *o, TrackedProcess *p, uint64_t elapsed_ns);

/* interval.c */

/* Ends the interval of elapsed_ns for every process: averages CPU time, counts evaluations, chooses
 * sources and asks those that look themselves, and forgets processes not seen for long. */
void observer_close_interval(Observer *o, uint64_t now_ns, uint64_t elapsed_ns);

/* collect.c */

/* Sets the rate of all sources to what the controller allows now. */
int observer_apply_rate(Observer *o);

/* status.c */
void observer_update_description(Observer *o);
