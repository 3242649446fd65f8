/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where the data of a sampled access came from. Pure. */

typedef enum AccessClass {
        ACCESS_UNKNOWN,       /* the sample does not tell */
        ACCESS_CACHE,         /* a cache of this node, or device memory: no page of interest */
        ACCESS_LOCAL_MEMORY,  /* memory of the CPU's node */
        ACCESS_REMOTE_MEMORY, /* memory of another node */
        ACCESS_REMOTE_CACHE,  /* a cache of another node: a line that several nodes use. Moving the
                               * page does not help */
        ACCESS_CLASS_MAX,
} AccessClass;

const char *access_class_to_string(AccessClass class);

/* Classifies a union perf_mem_data_src (perf_event_open(2)). The drivers tell the same thing in several
 * ways: memory of another node is a bit of mem_lvl (Intel before Skylake, AMD), or mem_remote with a
 * level number (Intel from Skylake on, persistent and CXL memory). On AMD the bit for a cache one hop
 * away means another core complex of the same node, so `amd` counts only two hops, and a remote flag
 * with mem_hops "core" as this node. 0 (not told) is unknown. */
AccessClass data_source_classify(uint64_t data_source, bool amd);
