/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/skid.h"

#include <cpuid.h>
#include <string.h>

#include "observe/arrival.h"

#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_HYPERVISOR_LEAF  0x40000000u

SkidModel skid_detect(void) {
        unsigned eax, ebx, ecx, edx;
        unsigned signature[3];

        if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_1_ECX_HYPERVISOR))
                return SKID_AFTER;
        __cpuid(CPUID_HYPERVISOR_LEAF, eax, signature[0], signature[1], signature[2]);
        return memcmp(signature, "TCGTCGTCGTCG", sizeof(signature)) == 0 ? SKID_NONE : SKID_AFTER;
}

void skid_learn(SkidCalibration *c, const CodeWindow *window) {
        uint64_t hash = window->ip * 0x9e3779b97f4a7c15ull >> 52;
        int starts;

        _Static_assert(SKID_PLACES_HASHED == 1 << 12, "the hash has 12 bits");
        if (c->seen[hash / 64] >> (hash % 64) & 1)
                return;
        c->seen[hash / 64] |= 1ull << (hash % 64);
        starts = arrival_starts_block(window);
        if (starts < 0)
                return;
        c->places++;
        if (starts > 0)
                c->block_starts++;
}

int skid_conclude(const SkidCalibration *c, SkidModel *ret, unsigned *ret_percent) {
        unsigned percent;

        if (c->places < SKID_PLACES_MIN)
                return 0;
        percent = (unsigned)(100ull * c->block_starts / c->places);
        *ret = percent > SKID_BLOCK_PERCENT ? SKID_NONE : SKID_AFTER;
        *ret_percent = percent;
        return 1;
}
