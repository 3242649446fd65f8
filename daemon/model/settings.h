/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/limits.h"

typedef enum Mode {
        MODE_ACT,     /* find misplaced processes and move their pages */
        MODE_OBSERVE, /* find them and say what would be done */
        MODE_MAX,
} Mode;

/* "act", "observe"; "unknown" for values out of range. */
const char *mode_to_string(Mode mode);

/* The mode of that name, or -EINVAL. */
int mode_from_string(const char *s);

/* migration.method */
typedef enum MoveMethod {
        METHOD_AUTO,          /* move_pages(2); migrate_pages(2) where it fits the pause budget */
        METHOD_MOVE_PAGES,    /* move_pages(2) only */
        METHOD_MIGRATE_PAGES, /* each pass begins with migrate_pages(2) */
        METHOD_MAX,
} MoveMethod;

const char *method_to_string(MoveMethod method);
int method_from_string(const char *s); /* -EINVAL */

/* kernel_balancing: what becomes of the kernel's own NUMA balancing while the daemon runs. */
typedef enum KernelBalancing {
        BALANCING_LEAVE,  /* as the administrator set it */
        BALANCING_OFF,    /* switched off */
        BALANCING_SAMPLE, /* on, but slowed down to a means of observation */
        BALANCING_MAX,
} KernelBalancing;

const char *balancing_to_string(KernelBalancing balancing);
int balancing_from_string(const char *s); /* -EINVAL */

/* Every setting: the one home of its key, type, default, range and meaning. The configuration
 * reader, --check, the manual page test and the defaults all expand this table.
 *
 * SETTING(group, key, type, C member, default, minimum, maximum, meaning)
 *   group   "" for top-level keys
 *   type    MODE | METHOD | SOURCE | BALANCING | BOOL | UINT | FLOAT | SIZE (bytes) | DURATION (ns)
 *   default, minimum, maximum: in the unit of the member
 */
#define SETTINGS_TABLE(SETTING)                                                                    \
        SETTING("", "mode", MODE, mode, MODE_ACT, 0, MODE_MAX - 1,                                 \
                "act: move pages; observe: only say what would be moved")                          \
        SETTING("", "kernel_balancing", BALANCING, kernel_balancing, BALANCING_LEAVE, 0,           \
                BALANCING_MAX - 1,                                                                 \
                "what becomes of the kernel's own NUMA balancing while the daemon runs")           \
        SETTING("", "ignore_other_movers", BOOL, ignore_other_movers, false, 0, 1,                 \
                "move pages although another program does so too")                                 \
        SETTING("sampling", "source", SOURCE, source, SOURCE_AUTO, 0, SOURCE_AUTO,                 \
                "which source of evidence is used")                                                \
        SETTING("sampling", "rate_hz", UINT, rate_hz, 97, 1, 10000, "samples per second and CPU")  \
        SETTING("sampling", "cpu_max_percent", FLOAT, cpu_max_percent, 3.0, 0.1, 100.0,            \
                "most CPU time of one CPU that sampling takes on a machine with more than 200 "    \
                "CPUs; a third of it up to 100")                                                   \
        SETTING("sampling", "isolated", BOOL, isolated, false, 0, 1,                               \
                "sample isolated and nohz_full CPUs too")                                          \
        SETTING("gates", "min_age", DURATION, min_age_ns, 10 * NSEC_PER_SEC, 0,                    \
                24 * 3600 * NSEC_PER_SEC, "younger processes are left alone")                      \
        SETTING("gates", "min_rss", SIZE, min_rss_bytes, 64 * MIB, 0, 1024 * 1024 * MIB,           \
                "smaller processes are left alone")                                                \
        SETTING("gates", "min_score_percent", FLOAT, min_score_percent, 2.0, 0.0, 100.0,           \
                "least share of its CPU time that a process must lose")                            \
        SETTING("gates", "min_stall", DURATION, min_stall_ns, 10 * NSEC_PER_MSEC, 0,               \
                1000 * NSEC_PER_SEC, "least time that a process must lose per second")             \
        SETTING("gates", "min_remote_percent", FLOAT, min_remote_percent, 30.0, 0.0, 100.0,        \
                "least remote share of its accesses (lower confidence bound)")                     \
        SETTING("migration", "method", METHOD, method, METHOD_AUTO, 0, METHOD_MAX - 1,             \
                "which system call moves pages; auto: page by page, small remainders at once")     \
        SETTING("migration", "bandwidth", SIZE, bandwidth_bytes, 256 * MIB, MIB,                   \
                1024 * 1024 * MIB, "most bytes per second that are moved to one node")             \
        SETTING("migration", "bandwidth_max", SIZE, bandwidth_max_bytes, 1280 * MIB, MIB,          \
                1024 * 1024 * MIB, "the same for moves that promise ten times their cost")         \
        SETTING("migration", "pause_budget", DURATION, pause_budget_ns, 20 * NSEC_PER_MSEC, 0,     \
                10 * NSEC_PER_SEC, "how long one move call may take; 0: no limit")                 \
        SETTING("migration", "cpu_percent", UINT, cpu_percent, 50, 1, 400,                         \
                "most CPU time of one CPU that move calls may take while a job runs")              \
        SETTING("migration", "passes", UINT, passes, 10, 1, 100,                                   \
                "how often a job tries the pages that stay behind")                                \
        SETTING("migration", "backoff", DURATION, backoff_ns, NSEC_PER_SEC, 10 * NSEC_PER_MSEC,    \
                3600 * NSEC_PER_SEC, "wait before the second pass; doubled for each further one")  \
        SETTING("migration", "backoff_max", DURATION, backoff_max_ns, 300 * NSEC_PER_SEC,          \
                10 * NSEC_PER_MSEC, 24 * 3600 * NSEC_PER_SEC, "longest wait between passes")       \
        SETTING("migration", "cooldown", DURATION, cooldown_ns, 60 * NSEC_PER_SEC, 0,              \
                24 * 3600 * NSEC_PER_SEC, "a process is not moved again sooner than this")         \
        SETTING("migration", "benefit_ratio", FLOAT, benefit_ratio, 2.0, 0.0, 1000.0,              \
                "how many times its cost a move must promise to give back")                        \
        SETTING("migration", "move_shared", BOOL, move_shared, false, 0, 1,                        \
                "move memory that other processes map, too; needs CAP_SYS_NICE")                   \
        SETTING("migration", "spread", BOOL, spread, false, 0, 1,                                  \
                "spread memory that several nodes use alike when one node serves far more than "   \
                "the others")                                                                      \
        SETTING("never", "hugetlb", BOOL, never_hugetlb, true, 0, 1,                               \
                "leave processes with hugetlb pages alone")                                        \
        SETTING("never", "realtime", BOOL, never_realtime, true, 0, 1,                             \
                "leave processes with a real-time scheduling class alone")                         \
        SETTING("never", "locked", BOOL, never_locked, true, 0, 1,                                 \
                "leave processes with locked memory alone")                                        \
        SETTING("never", "cpuless", BOOL, never_cpuless, true, 0, 1,                               \
                "move nothing from or to memory nodes without CPUs")

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)
#define MIB           (UINT64_C(1024) * 1024)

/* sampling.source = "auto": clock, else hint, else residency; for each process. */
#define SOURCE_AUTO EVIDENCE_SOURCE_MAX

typedef Mode SettingType_MODE;
typedef MoveMethod SettingType_METHOD;
typedef int SettingType_SOURCE;
typedef KernelBalancing SettingType_BALANCING;
typedef bool SettingType_BOOL;
typedef uint32_t SettingType_UINT;
typedef double SettingType_FLOAT;
typedef uint64_t SettingType_SIZE;
typedef uint64_t SettingType_DURATION;

typedef struct Settings {
#define SETTING_MEMBER(group, key, type, member, def, min, max, meaning) SettingType_##type member;
        SETTINGS_TABLE(SETTING_MEMBER)
#undef SETTING_MEMBER
        /* "distances": ten times the latency of memory of node index [to] for CPUs of node index
         * [from], relative to their own (10), in place of what firmware says; 0 nodes: not given. */
        uint32_t n_distances;
        uint16_t distances[NODES_MAX][NODES_MAX];
} Settings;

/* Range of a configured distance. */
#define DISTANCE_MIN 10
#define DISTANCE_MAX 1000

/* The defaults of the table. */
void settings_init(Settings *s);

/* Names of sampling.source: those of EvidenceSource and "auto". from_string: -EINVAL. */
const char *source_setting_to_string(int source);
int source_setting_from_string(const char *s);

typedef enum SettingType {
        SETTING_MODE,
        SETTING_METHOD,
        SETTING_SOURCE,
        SETTING_BALANCING,
        SETTING_BOOL,
        SETTING_UINT,
        SETTING_FLOAT,
        SETTING_SIZE,
        SETTING_DURATION,
} SettingType;

/* One line of the table as data. Limits of every type are exact as double (they are far below
 * 2^53 or powers of two). */
typedef struct SettingInfo {
        const char *group;
        const char *key;
        SettingType type;
        size_t offset; /* of the member in Settings */
        double min;
        double max;
        const char *meaning;
} SettingInfo;

/* The table in its order. */
const SettingInfo *settings_infos(size_t *ret_n);
