/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/cpu_state.h"
#include "observe/decode.h"

/* What an instruction does to the registers, as far as that can be told without memory. Pure. */

typedef enum ExecuteResult {
        EXECUTE_NEXT,   /* goes on with the next instruction */
        EXECUTE_JUMPED, /* a branch was taken; its target is known */
        EXECUTE_END,    /* where it goes on is unknown, or it leaves user code */
} ExecuteResult;

/* Executes the instruction on the state. Integer arithmetic, moves, shifts, flags, stack pointer
 * and string pointers are computed; whatever comes from memory or an instruction that is not
 * modelled makes the registers that it may write unknown. A known register always has the value
 * that the processor would give it. */
ExecuteResult cpu_execute(CpuState *s, const Instruction *in);
