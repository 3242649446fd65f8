/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "records.h"

/* Registers of an interrupted x86-64 thread, as far as they are known. Evaluating code forward
 * turns registers that depend on memory unknown. Pure data. */
typedef struct CpuState {
        uint64_t gpr[GPR_MAX];
        uint32_t known;       /* bit i: gpr[i] is known */
        uint32_t flags_known; /* bits of flags that are known */
        uint64_t flags;       /* CPU_FLAG_* */
        uint64_t ip;
        uint64_t fs_base;
        uint64_t gs_base;
        bool bases_known;
} CpuState;

#define CPU_FLAG_CF 0x001u
#define CPU_FLAG_PF 0x004u
#define CPU_FLAG_AF 0x010u
#define CPU_FLAG_ZF 0x040u
#define CPU_FLAG_SF 0x080u
#define CPU_FLAG_DF 0x400u
#define CPU_FLAG_OF 0x800u

#define CPU_FLAGS_STATUS                                                                           \
        (CPU_FLAG_CF | CPU_FLAG_PF | CPU_FLAG_AF | CPU_FLAG_ZF | CPU_FLAG_SF | CPU_FLAG_OF)
#define CPU_FLAGS_ALL (CPU_FLAGS_STATUS | CPU_FLAG_DF)

#define GPR_ALL_KNOWN 0xffffu

/* Code around the instruction pointer: at_ip[-before .. after - 1] may be read. */
typedef struct CodeWindow {
        const uint8_t *at_ip;
        int before;
        int after;
        uint64_t ip;
        bool far_branch; /* a branch outside of the window is known to go to ip */
} CodeWindow;

/* A captured sample as state and window; the window borrows the bytes of the record. */
void cpu_state_from_record(CpuState *ret_state, CodeWindow *ret_window, const SampleRecord *record);
