/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/cpu_state.h"
#include "observe/decode.h"

/* Which data addresses an x86-64 instruction touches. Pure. */

/* No instruction has more memory operands than this. */
#define INSTRUCTION_ACCESSES_MAX 3

typedef struct Value {
        uint64_t v;
        bool known;
} Value;

/* Value of a general-purpose register of any width (zero-extended) or the instruction pointer, as
 * the instruction sees it; unknown for other registers. */
Value cpu_read_register(const CpuState *s, const Instruction *in, ZydisRegister reg);

/* Number of the general-purpose register that contains reg, or -1. */
int register_number(ZydisRegister reg);

/* What an instruction accesses. */
typedef struct Accesses {
        unsigned n;       /* addresses told, in operand order */
        unsigned unknown; /* accesses whose address cannot be told */
        uint32_t mapping; /* bit i: address[i] is only the base of a gather or scatter. The elements
                           * lie at unknown places behind it, most likely in the same mapping */
        uint64_t address[INSTRUCTION_ACCESSES_MAX];
} Accesses;

/* The data that the instruction accesses when it starts in state s. An address cannot be told when a
 * register of it is unknown or it is no user-space address. The index of a gather is in a vector
 * register, which is not captured: its base stands for the mapping. Instructions that only compute
 * addresses or hint (lea, nop, prefetch, clflush) access nothing. Source: Intel SDM volume 1, 3.7.5,
 * and volume 2. */
void instruction_accesses(const CpuState *s, const Instruction *in, Accesses *ret);

/* A string instruction (movs, stos, lods, cmps, scas), and whether it has a REP prefix. */
bool instruction_is_string(const Instruction *in);
bool instruction_is_rep(const Instruction *in);

/* Bit i: the instruction may write general-purpose register i. */
uint32_t instruction_written(const Instruction *in);
