/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/settings.h"
#include "model/stats.h"
#include "observe/ledger.h"
#include "observe/rate.h"

/* What is behind every way of seeing accesses. Several sources run at once; which one judges a
 * process is chosen for each process (select.h). */

/* A sentence about what was missing when something failed. */
#define PROBLEM_BYTES 384

typedef struct Observer Observer;
typedef struct Source Source;

/* What a source is asked to do. */
typedef enum SourceRole {
        ROLE_SAMPLES,  /* accesses, and CPU time if it can */
        ROLE_CPU_TIME, /* CPU time alone, for a source that cannot count it */
} SourceRole;

/* Operations; those marked "may be NULL" are left out where there is nothing to do. */
typedef struct SourceType {
        EvidenceSource id;
        bool counts_cpu_time; /* calls observer_add_cpu_time for all that runs */
        bool current;   /* what it brings of an interval tells what the process did in it, so a
                               * change of the process shows */
        bool must_show; /* judges a process only after it brought enough of it */

        /* Starts it. -EOPNOTSUPP: this machine or role has no use of it. On failure the negative errno,
         * with a sentence in problem (which is empty before). */
        int (*open)(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                    char problem[PROBLEM_BYTES]);

        /* Stops it and frees it; its counts have been taken before. */
        void (*close)(Source *s);

        /* Epoll-able descriptor that is readable when dispatch has work, stable from open to close. May
         * be NULL. */
        int (*get_fd)(const Source *s);

        /* Takes in at most max samples: how many there were, or a negative errno. May be NULL. */
        int (*dispatch)(Source *s, unsigned max);

        /* An interval ends at now_ns: takes in all that waits. A negative errno says that the source
         * is of no use any more (problem tells why): it is closed, its processes go to the next, and it
         * is opened again later. May be NULL. */
        int (*collect)(Source *s, uint64_t now_ns, char problem[PROBLEM_BYTES]);

        /* Follows the rate that the ceiling allows. May be NULL: it has no rate of its own. */
        int (*set_rate)(Source *s, RateChoice choice);

        /* Whether samples of a process are of no use: what it brings of it is dropped then. May be NULL. */
        void (*exclude)(Source *s, ProcessId id, bool excluded);

        /* Asked for one process that it judges, once in an interval: for sources that look instead of
         * being told. A negative errno when nothing was found. May be NULL. */
        int (*estimate)(Source *s, TrackedProcess *p, uint64_t now_ns);

        /* Whether it sees the process, from its sign p->signs[id], which was decayed by the interval of
         * elapsed_ns that ends (judge.h has what sources share). May be NULL: it sees everything. */
        SourceWhy (*judge)(Source *s, TrackedProcess *p, uint64_t elapsed_ns);

        /* What it does now, as a clause: "clock samples at 97 Hz on 2 CPUs". */
        void (*describe)(const Source *s, char *text, size_t bytes);

        /* Adds what it counted since open. Losses of the ledger are counted there. May be NULL. */
        void (*count)(const Source *s, Counters *counters);

        /* Time spent in its BPF programs since open, ns. May be NULL. */
        uint64_t (*run_time_ns)(const Source *s);

        /* CPUs on which it works, for the ceiling. May be NULL: all. */
        unsigned (*n_cpus)(const Source *s);
} SourceType;

/* First member of each source. */
struct Source {
        const SourceType *type;
        Observer *observer;
        char idle[PROBLEM_BYTES]; /* why it sees nothing at present, "" when it works */
};

extern const SourceType source_clock;
extern const SourceType source_hint;
extern const SourceType source_residency;
extern const SourceType source_pebs;
extern const SourceType source_ibs;

/* What sources call. */

/* The process, made the most recent one; the least recent one makes room. NULL: no memory. */
TrackedProcess *observer_track(Observer *o, ProcessId id);

/* The id of the process whose leader started at start_ns of CLOCK_BOOTTIME. */
ProcessId observer_id_of(uint32_t tgid, uint64_t start_ns);

/* The process executes the program with this number now. Where another program accessed memory says
 * nothing about this one, so that is dropped. */
void observer_notice_exec(Observer *o, TrackedProcess *p, uint64_t exec_id);

void observer_add_cpu_time(Observer *o, ProcessId id, int node, uint64_t cpu_ns);

/* An access at an address whose home is not known yet: it is looked up with others at the end of the
 * interval and accounted then. `access.home` is ignored; with `mapping` the address only names a
 * mapping. A source that knows the home calls ledger_account(observer_ledger(o), ...) at once. */
void observer_queue_access(Observer *o, const Access *access, bool mapping);

Ledger *observer_ledger(Observer *o);

/* Puts a formatted sentence into problem. */
__attribute__((format(printf, 2, 3))) void source_problem(char problem[PROBLEM_BYTES],
                                                          const char *format, ...);
