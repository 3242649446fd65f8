/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "observe/cpu_state.h"

/* Finding instructions in a window of code bytes. Zydis decodes; nothing here touches the system.
 * Safe on arbitrary bytes. Not thread-safe: results are remembered. */

/* Decoded parts are borrowed from a cache and stay valid until the next call of a function here. */
typedef struct Instruction {
        const ZydisDecodedInstruction *info;
        const ZydisDecodedOperand *operands;
        uint64_t ip;
        uint64_t next_ip;
} Instruction;

/* The instruction at `address`, which must lie in the window. -ENODATA: outside the window, or cut
 * off by its end; -EBADMSG: no instruction. */
int decode_at(const CodeWindow *w, uint64_t address, Instruction *ret);

/* The instruction whose end brought control to the instruction pointer: the one that ends there if
 * control may have fallen through from it; or, where that is a conditional branch that was not taken,
 * or where one branch of the window goes to the instruction pointer, the comparison with memory that
 * the processor fuses with the branch. x86 code cannot be read backwards, but decoding from most
 * earlier offsets falls into step with the true instructions after a few; the answer is what more
 * than half of them agree on. -ENOENT: no agreement, or control may have come from elsewhere: several
 * branches go there, or it follows a jump, call or return. */
int decode_previous(const CodeWindow *w, Instruction *ret);

/* Whether the instruction never continues with the next one (jmp, ret, int3, ud2, hlt, ...). A call
 * counts: what runs before the instruction behind it is the callee. */
bool instruction_ends_flow(const Instruction *in);

/* Whether the instruction pointer is where a basic block begins: a branch of the window goes there, or
 * the instruction before it is a branch, call or return. -ENOENT: the window does not tell. */
int decode_starts_block(const CodeWindow *w);
