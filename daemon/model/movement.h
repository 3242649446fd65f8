/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/limits.h"

/* Why the kernel migrates pages: one table for D-Bus, metrics and the manual pages.
 * CAUSE(NAME, "name", "meaning"). The name in upper case behind MR_ is that of the constant in the
 * kernel's enum migrate_reason (include/linux/migrate_mode.h), whose numbers differ by version. */
#define MOVE_CAUSE_TABLE(CAUSE)                                                                    \
        CAUSE(COMPACTION, "compaction", "to make room for huge pages")                             \
        CAUSE(MEMORY_FAILURE, "memory_failure", "away from faulty memory")                         \
        CAUSE(MEMORY_HOTPLUG, "memory_hotplug", "away from memory that goes offline")              \
        CAUSE(SYSCALL, "syscall", "other programs, by move_pages and migrate_pages; cpusets")      \
        CAUSE(MEMPOLICY_MBIND, "mempolicy_mbind", "programs that bind their memory")               \
        CAUSE(NUMA_MISPLACED, "numa_misplaced", "the kernel's own NUMA balancing")                 \
        CAUSE(CONTIG_RANGE, "contig_range", "to make room for contiguous allocations")             \
        CAUSE(LONGTERM_PIN, "longterm_pin", "before memory is pinned for long")                    \
        CAUSE(DEMOTION, "demotion", "down to a slower tier of memory")                             \
        CAUSE(DAMON, "damon", "schemes of DAMON")                                                  \
        CAUSE(OTHER, "other", "reasons that this version does not know")

typedef enum MoveCause {
#define MOVE_CAUSE_ENUM(name, text, meaning) MOVE_CAUSE_##name,
        MOVE_CAUSE_TABLE(MOVE_CAUSE_ENUM)
#undef MOVE_CAUSE_ENUM
                MOVE_CAUSE_MAX,
} MoveCause;

const char *move_cause_to_string(MoveCause cause);

/* The cause of a constant's name ("MR_SYSCALL"), OTHER for unknown ones. */
MoveCause move_cause_from_constant(const char *constant);

/* Base pages; huge_moved: how many huge pages are among those moved. */
typedef struct MovedPages {
        uint64_t moved;
        uint64_t failed;
        uint64_t huge_moved;
} MovedPages;

/* What the kernel counted since the daemon started. */
typedef struct KernelMoves {
        MovedPages others[MOVE_CAUSE_MAX]; /* all but the daemon's own, by cause */
        MovedPages own;                    /* ordered by this daemon */
} KernelMoves;

/* A process that moved pages of other processes. */
typedef struct ForeignMover {
        pid_t pid;
        char comm[COMM_BYTES];
        uint64_t pages;
} ForeignMover;
