/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/cpu_state.h"
#include "observe/decode.h"

/* How control came to the instruction pointer. Pure, but not thread-safe: what the code says is
 * remembered by its bytes. */

/* The instruction whose end brought control to the instruction pointer in state s: the one that ends
 * there if control may have fallen through from it; or, where that is a conditional branch that was not
 * taken, or where one branch of the window goes to the instruction pointer, the comparison with memory
 * that the processor fuses with the branch. x86 code cannot be read backwards, but decoding from most
 * earlier offsets falls into step with the true instructions after a few; the answer is what more than
 * half of them agree on. Whatever the registers and flags contradict is no candidate. -ENOENT: no
 * agreement, or control may have come from elsewhere: several branches go there, one from outside of
 * the window does (w->far_branch), a register holds its address (the branch went through it), or it
 * follows a jump, call or return. */
int arrival_previous(const CodeWindow *w, const CpuState *s, Instruction *ret);

/* Whether the instruction pointer is where a basic block begins: a branch of the window goes there, or
 * the instruction before it is a branch, call or return. -ENOENT: the window does not tell. */
int arrival_starts_block(const CodeWindow *w);

/* Whether any of these n bytes, the first of which lies at `address`, may be a direct jump, conditional
 * branch or call with a displacement of 32 bits to `target`. Bytes that only look like one are 2^-32
 * of those that there are. */
bool code_branches_to(const uint8_t *bytes, size_t n, uint64_t address, uint64_t target);
