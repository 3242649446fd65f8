/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/evidence.h"
#include "system/root.h"

/* Which hardware events tell the addresses of memory accesses on this machine. */

typedef enum CpuVendor {
        CPU_VENDOR_OTHER,
        CPU_VENDOR_INTEL,
        CPU_VENDOR_AMD, /* and Hygon, whose sampling is the same */
} CpuVendor;

/* A PMU as sysfs describes it (bus/event_source/devices). */
typedef struct PmuDevice {
        const char *name;       /* "cpu", "cpu_core", "cpu_atom", "ibs_op" */
        bool exists;            /* all else is zero without */
        uint32_t type;          /* for perf_event_attr.type */
        uint64_t mem_loads;     /* config of events/mem-loads, 0: it has none */
        uint64_t mem_loads_aux; /* config of events/mem-loads-aux, 0: none is needed */
        uint64_t l3_miss_only;  /* bit of config that keeps hits of the caches out, 0: not there */
        uint64_t count_ops;     /* bit of config that counts instructions instead of cycles */
} PmuDevice;

typedef enum PmuDeviceId {
        PMU_CPU,
        PMU_CPU_CORE,
        PMU_CPU_ATOM,
        PMU_IBS_OP,
        PMU_DEVICE_MAX,
} PmuDeviceId;

/* What the choice depends on. */
typedef struct PmuMachine {
        CpuVendor vendor;
        unsigned family, model;
        bool hypervisor;         /* a guest: its PMU, if any, rarely has the precise part */
        unsigned kernel_version; /* 601 for 6.1 */
        PmuDevice device[PMU_DEVICE_MAX];
} PmuMachine;

/* Reads proc/cpuinfo, proc/sys/kernel/osrelease and sys/bus/event_source. What is missing or does not
 * parse is left zero: then there are fewer events to choose from. Negative errno when nothing can be
 * read. */
int pmu_machine_read(PmuMachine *ret, const SystemRoot *root);

/* One event to be opened on each CPU of its PMU. */
typedef struct PmuEvent {
        PmuDeviceId device;
        uint32_t type;
        uint64_t config;
        uint64_t config1;       /* least latency in cycles, for mem-loads */
        uint64_t leader_config; /* to be opened first, as leader of its group; 0: none */
        unsigned precise_ip;
        bool exclude_kernel; /* the driver can */
        unsigned how;        /* PRECISE_* of records.h: how the class of its samples is told */
} PmuEvent;

#define PMU_EVENTS_MAX 2

typedef struct PmuSelection {
        unsigned n;
        PmuEvent event[PMU_EVENTS_MAX];
        const char *name; /* of the choice, for a person */
        bool amd;         /* how data_src is to be read */
        uint64_t period;  /* to begin with; the same for all, so that their samples count alike */
        uint64_t period_min;   /* never more often */
        uint64_t period_align; /* periods are multiples of it, or odd where it is 1 */
} PmuSelection;

#define PMU_PROBLEM_BYTES 256

/* Chooses for SOURCE_PEBS or SOURCE_IBS. -EOPNOTSUPP with a sentence in problem. Pure. */
int pmu_select(const PmuMachine *machine, EvidenceSource source, PmuSelection *ret,
               char problem[PMU_PROBLEM_BYTES]);

/* The period that would have brought `wanted` samples where `period` brought `seen`, at most four times
 * longer or shorter. Pure. */
uint64_t pmu_adapt_period(const PmuSelection *selection, uint64_t period, double seen,
                          double wanted);
