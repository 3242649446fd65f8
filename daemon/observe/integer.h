/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/cpu_state.h"
#include "observe/decode.h"
#include "observe/operand.h"

/* The instructions that go on with the next one: integer arithmetic, moves, stack and string
 * instructions. Pure. */

/* Applies the instruction to registers and flags, not to the instruction pointer. */
void integer_execute(CpuState *s, const Instruction *in);

/* Whatever the instruction may write becomes unknown. */
void integer_forget(CpuState *s, const Instruction *in);

/* Operand i of the instruction: a register or an immediate; memory is unknown. */
Value integer_read(const CpuState *s, const Instruction *in, unsigned i);
