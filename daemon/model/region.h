/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Memory is watched in pieces of this size: a huge page, the largest piece that moves as one. */
#define REGION_BYTES (2ull * 1024 * 1024)

/* Accessor nodes that are told apart in one region; what others do is only summed. A region that so
 * many nodes use belongs to none of them. */
#define REGION_ACCESSORS 4

/* What one node does in one region. Weights are decayed sums of samples, as in Evidence. */
typedef struct RegionAccess {
        int8_t node;  /* of the CPU, dense index; NODE_NONE: unused */
        float weight; /* accesses */
        float remote; /* of these, to memory of another node */
        float waited; /* of these, in which the CPU was waiting (see Evidence.waited) */
} RegionAccess;

/* A piece of one mapping of a process, as the policy sees it. */
typedef struct Region {
        uint64_t start;   /* address, page aligned */
        uint64_t bytes;   /* REGION_BYTES, or a power of two of them for a large process; less where
                            * the mapping begins or ends inside */
        uint64_t mapping; /* where the mapping begins: regions with the same are neighbours */
        uint64_t since_ns; /* CLOCK_MONOTONIC since when the same node accesses it most */
        RegionAccess access[REGION_ACCESSORS];
        float other;    /* accesses by nodes that are not listed */
        int8_t home;    /* node that most of its pages were seen on, NODE_NONE: not known */
        bool unmovable; /* of a shared mapping: not this process's to move */
} Region;
