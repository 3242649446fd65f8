/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/clock_source.h"
#include "observe/observer_hook.h"
#include "observe/policy.h"
#include "observe/process_table.h"
#include "observe/rate.h"
#include "observe/residency_source.h"
#include "observe/resolve.h"
#include "observe/skid.h"

/* Shared by the files of the observer; nobody else includes it. */

struct Observer {
        const Topology *topology;
        const SystemRoot *root;
        ClockSource *clock;
        PolicyReader *policy;
        CpuScanner *scanner; /* of the residency source, instead of the clock */
        uint64_t scan_not_before_ns;
        int idle_fd; /* never readable; stands for the ring where there is none */
        ProcessTable *processes;
        Resolver *resolver;
        SkidModel skid;
        SkidCalibration calibration;
        bool skid_settled; /* by the samples, or from outside */
        unsigned block_percent;
        EvidenceSource source;
        RateController rate;
        RateChoice choice;       /* in force */
        uint64_t spent_ns;       /* CPU time of dispatch and collect in this interval */
        uint64_t run_ns_before;  /* BPF run time at the last collect */
        uint64_t collected_ns;   /* time of the last collect, 0 before the first */
        const Observed **active; /* [PROCESSES_MAX] */
        size_t n_active;
        Counters counters;         /* what this room counts itself */
        ClockCounts kernel;        /* of the running program */
        ClockCounts kernel_before; /* of programs stopped before */
        ObserverSampleHook hook;
        void *hook_userdata;
        char description[640];
};

/* Ends the interval of elapsed_ns for every process: averages CPU time, counts evaluations, asks for
 * the pages of processes that the running source cannot see, and forgets those not seen for long. */
void observer_close_interval(Observer *o, uint64_t now_ns, uint64_t elapsed_ns);
