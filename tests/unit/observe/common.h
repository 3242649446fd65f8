/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "observe/cpu_state.h"

#define N(array) (sizeof(array) / sizeof(array[0]))

#define IP      0x400000ull
#define FS_BASE 0x7f0000001000ull
#define GS_BASE 0x7f0000002000ull

/* rax 0x1000100, rbx 0x3000300, rsi 0x5000500, rdi 0x6000600, r8 0x8000800 ... r15 0xf000f00,
 * rcx 2, rdx -8, rsp 0x7fff0000, rbp 0x7fff0100. */
static inline CpuState test_state(void) {
        CpuState s = {
                .known = GPR_ALL_KNOWN,
                .flags_known = CPU_FLAGS_ALL,
                .ip = IP,
                .fs_base = FS_BASE,
                .gs_base = GS_BASE,
                .bases_known = true,
        };

        s.gpr[GPR_RAX] = 0x1000100;
        s.gpr[GPR_RCX] = 2;
        s.gpr[GPR_RDX] = (uint64_t)-8;
        s.gpr[GPR_RBX] = 0x3000300;
        s.gpr[GPR_RSP] = 0x7fff0000;
        s.gpr[GPR_RBP] = 0x7fff0100;
        s.gpr[GPR_RSI] = 0x5000500;
        s.gpr[GPR_RDI] = 0x6000600;
        for (int i = GPR_R8; i <= GPR_R15; i++)
                s.gpr[i] = 0x1000100ull * (uint64_t)i;
        return s;
}

typedef struct TestCode {
        uint8_t bytes[CODE_BEFORE_BYTES + CODE_AFTER_BYTES];
        CodeWindow window;
} TestCode;

/* Code that lies before and from IP on; what is not given is not in the window. */
static inline void test_code(TestCode *c, const char *before, size_t n_before, const char *after,
                             size_t n_after) {
        memset(c, 0, sizeof(*c));
        memcpy(c->bytes + CODE_BEFORE_BYTES - n_before, before, n_before);
        memcpy(c->bytes + CODE_BEFORE_BYTES, after, n_after);
        c->window = (CodeWindow) {
                .at_ip = c->bytes + CODE_BEFORE_BYTES,
                .before = (int)n_before,
                .after = (int)n_after,
                .ip = IP,
        };
}
