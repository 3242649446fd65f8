/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/data_source.h"

#include <linux/perf_event.h>

static const char *const names[ACCESS_CLASS_MAX] = {
        [ACCESS_UNKNOWN] = "unknown",           [ACCESS_CACHE] = "cache",
        [ACCESS_LOCAL_MEMORY] = "local memory", [ACCESS_REMOTE_MEMORY] = "remote memory",
        [ACCESS_REMOTE_CACHE] = "remote cache",
};

const char *access_class_to_string(AccessClass class) {
        return names[(unsigned)class < ACCESS_CLASS_MAX ? class : ACCESS_UNKNOWN];
}

static bool is_memory(unsigned level_number) {
        return level_number == PERF_MEM_LVLNUM_RAM || level_number == PERF_MEM_LVLNUM_PMEM ||
               level_number == PERF_MEM_LVLNUM_CXL;
}

static bool is_told(union perf_mem_data_src d) {
        bool has_level = d.mem_lvl != 0 && !(d.mem_lvl & PERF_MEM_LVL_NA);
        bool has_number = d.mem_lvl_num != 0 && d.mem_lvl_num != PERF_MEM_LVLNUM_NA;

        return has_level || has_number || d.mem_remote;
}

AccessClass data_source_classify(uint64_t data_source, bool amd) {
        union perf_mem_data_src d = { .val = data_source };
        /* Hops count from the next core of the same node. */
        bool remote = d.mem_remote && d.mem_hops != PERF_MEM_HOPS_0;
        uint64_t far_caches =
                amd ? PERF_MEM_LVL_REM_CCE2 : PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_REM_CCE2;

        if (data_source == 0 || !is_told(d))
                return ACCESS_UNKNOWN;
        if (d.mem_lvl & (PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_REM_RAM2))
                return ACCESS_REMOTE_MEMORY;
        if (is_memory(d.mem_lvl_num))
                return remote ? ACCESS_REMOTE_MEMORY : ACCESS_LOCAL_MEMORY;
        if (d.mem_lvl & PERF_MEM_LVL_LOC_RAM)
                return ACCESS_LOCAL_MEMORY;
        if ((d.mem_lvl & far_caches) || remote)
                return ACCESS_REMOTE_CACHE;
        return ACCESS_CACHE;
}
