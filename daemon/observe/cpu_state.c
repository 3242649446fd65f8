/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/cpu_state.h"

#include <string.h>

void cpu_state_from_record(CpuState *ret_state, CodeWindow *ret_window,
                           const SampleRecord *record) {
        uint8_t before = record->code_before, after = record->code_after;

        *ret_state = (CpuState) {
                .known = GPR_ALL_KNOWN,
                .flags = record->flags,
                .flags_known = CPU_FLAGS_ALL,
                .ip = record->ip,
                .fs_base = record->fs_base,
                .gs_base = record->gs_base,
                .bases_known = true,
        };
        for (int i = 0; i < GPR_MAX; i++)
                ret_state->gpr[i] = record->gpr[i];
        *ret_window = (CodeWindow) {
                .at_ip = record->code + CODE_BEFORE_BYTES,
                .before = before < CODE_BEFORE_BYTES ? before : CODE_BEFORE_BYTES,
                .after = after < CODE_AFTER_BYTES ? after : CODE_AFTER_BYTES,
                .ip = record->ip,
        };
}
