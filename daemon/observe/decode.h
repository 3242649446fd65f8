/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

/* Length of the instruction at this offset from the instruction pointer, which must lie in the window;
 * 0 when there is none. *ret_target is where a relative branch goes, as offset, or INT64_MIN. Several
 * times faster than decode_at. */
int decode_length(const CodeWindow *w, int offset, int64_t *ret_target);

/* Whether the instruction never continues with the next one (jmp, ret, int3, ud2, hlt, ...). A call
 * counts: what runs before the instruction behind it is the callee. */
bool instruction_ends_flow(const Instruction *in);

/* What decides whether a conditional branch is taken. */
typedef enum BranchKind {
        BRANCH_NONE,  /* no conditional branch */
        BRANCH_FLAGS, /* the condition code in the low nibble of its opcode */
        BRANCH_COUNT, /* rcx: loop, loopcc, jrcxz and its narrower kin */
        BRANCH_OTHER, /* xbegin: nothing that can be known */
} BranchKind;
BranchKind instruction_branch_kind(const Instruction *in);

/* Whether it has a memory operand, spelled out or implied. */
bool instruction_has_memory(const Instruction *in);

/* For tables that remember code by its bytes. */
uint64_t code_hash(const uint8_t *bytes, size_t n);
