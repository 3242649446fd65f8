/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/skid.h"

#include <cpuid.h>
#include <string.h>

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
