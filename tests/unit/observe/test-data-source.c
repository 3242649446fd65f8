/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <linux/perf_event.h>

#include "common.h"
#include "observe/data_source.h"

#define P(field, value) PERF_MEM_S(field, value)
#define LOAD_HIT        (P(OP, LOAD) | P(LVL, HIT))
#define LEVEL(value)    P(LVLNUM, value)
#define REMOTE          P(REMOTE, REMOTE)

/* What the kernel's drivers make of what each processor reports. */
static const struct {
        const char *name;
        uint64_t data_source;
        bool amd;
        AccessClass class;
} rows[] = {
        { "nothing told", 0, false, ACCESS_UNKNOWN },
        { "not available, as for events without a level",
          P(OP, LOAD) | P(LVL, NA) | P(SNOOP, NA) | P(LOCK, NA) | P(TLB, NA) | LEVEL(NA), false,
          ACCESS_UNKNOWN },
        /* The load-latency codes of Skylake-SP; Cascade Lake, Ice Lake-SP and Sapphire Rapids differ in
         * 0x08 and 0x09 only. */
        { "SKX 0x00: a miss of L3 that is not known", P(OP, LOAD) | P(LVL, MISS) | LEVEL(L3), false,
          ACCESS_CACHE },
        { "SKX 0x01: L1", LOAD_HIT | P(LVL, L1) | LEVEL(L1), false, ACCESS_CACHE },
        { "SKX 0x02: fill buffer", LOAD_HIT | P(LVL, LFB) | LEVEL(LFB), false, ACCESS_CACHE },
        { "SKX 0x03: L2", LOAD_HIT | P(LVL, L2) | LEVEL(L2), false, ACCESS_CACHE },
        { "SKX 0x04: L3", LOAD_HIT | P(LVL, L3) | LEVEL(L3), false, ACCESS_CACHE },
        { "SKX 0x07: L3, modified in another core",
          LOAD_HIT | P(LVL, L3) | LEVEL(L3) | P(SNOOP, HITM), false, ACCESS_CACHE },
        { "SKX 0x08: L4", LOAD_HIT | LEVEL(L4) | P(SNOOP, HIT), false, ACCESS_CACHE },
        { "ICX, SPR 0x08: persistent memory of this node", LOAD_HIT | LEVEL(PMEM) | P(SNOOP, HIT),
          false, ACCESS_LOCAL_MEMORY },
        { "ICX, SPR 0x09: persistent memory of another node",
          LOAD_HIT | LEVEL(PMEM) | REMOTE | P(SNOOP, HIT), false, ACCESS_REMOTE_MEMORY },
        { "SKX 0x0a: memory", LOAD_HIT | P(LVL, LOC_RAM) | LEVEL(RAM) | P(SNOOP, HIT), false,
          ACCESS_LOCAL_MEMORY },
        { "SKX 0x0b: memory of another node", LOAD_HIT | LEVEL(RAM) | REMOTE | P(SNOOP, NONE),
          false, ACCESS_REMOTE_MEMORY },
        { "SKX 0x0c: cache of another node, forwarded",
          LOAD_HIT | LEVEL(ANY_CACHE) | REMOTE | P(SNOOPX, FWD), false, ACCESS_REMOTE_CACHE },
        { "SKX 0x0d: cache of another node, modified",
          LOAD_HIT | LEVEL(ANY_CACHE) | REMOTE | P(SNOOP, HITM), false, ACCESS_REMOTE_CACHE },
        { "0x0e: device", LOAD_HIT | P(LVL, IO) | LEVEL(NA), false, ACCESS_CACHE },
        { "0x0f: uncached", LOAD_HIT | P(LVL, UNC) | LEVEL(NA), false, ACCESS_CACHE },
        /* Before Skylake. */
        { "BDX 0x08: cache of another node",
          LOAD_HIT | P(LVL, REM_CCE1) | LEVEL(L3) | P(SNOOP, HIT), false, ACCESS_REMOTE_CACHE },
        { "BDX 0x0b: memory of another node, shared",
          LOAD_HIT | P(LVL, REM_RAM1) | REMOTE | LEVEL(L3) | P(SNOOP, HIT), false,
          ACCESS_REMOTE_MEMORY },
        { "BDX 0x0c: memory", LOAD_HIT | P(LVL, LOC_RAM) | LEVEL(RAM) | P(SNOOP, MISS), false,
          ACCESS_LOCAL_MEMORY },
        { "BDX 0x0d: memory of another node",
          LOAD_HIT | P(LVL, REM_RAM1) | LEVEL(RAM) | REMOTE | P(SNOOP, MISS), false,
          ACCESS_REMOTE_MEMORY },
        /* IBS of Zen 3 and Zen 4. */
        { "Zen 3: L1", LOAD_HIT | P(LVL, L1), true, ACCESS_CACHE },
        { "Zen 3: L3", LOAD_HIT | P(LVL, L3), true, ACCESS_CACHE },
        { "Zen 3: another core complex of the node", LOAD_HIT | P(LVL, REM_CCE1), true,
          ACCESS_CACHE },
        { "Zen 3: a cache of another node", LOAD_HIT | P(LVL, REM_CCE2), true,
          ACCESS_REMOTE_CACHE },
        { "Zen 3: memory", LOAD_HIT | P(LVL, LOC_RAM), true, ACCESS_LOCAL_MEMORY },
        { "Zen 3: memory of another node", LOAD_HIT | P(LVL, REM_RAM1), true,
          ACCESS_REMOTE_MEMORY },
        { "Zen 4: memory behind CXL", LOAD_HIT | LEVEL(CXL), true, ACCESS_LOCAL_MEMORY },
        { "Zen 4: memory behind CXL of another node", LOAD_HIT | LEVEL(CXL) | REMOTE | P(HOPS, 1),
          true, ACCESS_REMOTE_MEMORY },
        { "Zen 4, newer kernels: another core of the node",
          LOAD_HIT | LEVEL(ANY_CACHE) | REMOTE | P(HOPS, 0), true, ACCESS_CACHE },
        { "Zen 4, newer kernels: a cache of another node",
          LOAD_HIT | LEVEL(ANY_CACHE) | REMOTE | P(HOPS, 1), true, ACCESS_REMOTE_CACHE },
        { "Zen 4, newer kernels: memory", LOAD_HIT | P(LVL, LOC_RAM) | LEVEL(RAM), true,
          ACCESS_LOCAL_MEMORY },
        { "Zen 4, newer kernels: memory of another node",
          LOAD_HIT | P(LVL, REM_RAM1) | LEVEL(RAM) | REMOTE | P(HOPS, 1), true,
          ACCESS_REMOTE_MEMORY },
        { "Zen 4: not told", P(OP, STORE) | P(LVL, NA), true, ACCESS_UNKNOWN },
};

Test(data_source, what_drivers_report) {
        for (size_t i = 0; i < N(rows); i++) {
                AccessClass class = data_source_classify(rows[i].data_source, rows[i].amd);

                cr_expect_eq(class, rows[i].class, "%s: %s", rows[i].name,
                             access_class_to_string(class));
        }
        cr_expect_str_eq(access_class_to_string(ACCESS_CLASS_MAX), "unknown");
}
