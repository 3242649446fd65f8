/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "observe/cpu_state.h"
#include "observe/decode.h"

/* What cannot have been executed last, because registers or flags would be others. Pure. */

/* Whether state s cannot be the one right behind this instruction when control went on with the next
 * one. False wherever that cannot be told. */
bool instruction_refuted(const CpuState *s, const Instruction *in);

/* Whether the flags of state s say that this conditional branch, executed last, was not taken (when
 * `taken`) or was (when not). False for other instructions. */
bool branch_refuted(const CpuState *s, const Instruction *in, bool taken);
