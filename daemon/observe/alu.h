/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/cpu_state.h"

/* Integer arithmetic of x86 on operands of 8 to 64 bits, with the flags it leaves. Pure. */

typedef enum AluOperation {
        ALU_ADD,
        ALU_ADC,
        ALU_SUB, /* also cmp and neg (0 - x) */
        ALU_SBB,
        ALU_AND, /* also test */
        ALU_OR,
        ALU_XOR,
        ALU_SHL,
        ALU_SHR,
        ALU_SAR,
        ALU_ROL,
        ALU_ROR,
} AluOperation;

typedef struct AluResult {
        uint64_t value;     /* truncated to the operand size */
        uint32_t flags;     /* new values of the flags in `defined` */
        uint32_t defined;   /* flags that get a known value */
        uint32_t undefined; /* flags that become unknown; all others keep what they have */
} AluResult;

/* a OP b for operands of `bits` (8, 16, 32, 64); carry is the incoming carry flag for adc and sbb.
 * For shifts b is the raw count. */
AluResult alu_compute(AluOperation operation, uint64_t a, uint64_t b, unsigned bits, bool carry);

/* Low `bits` bits. */
static inline uint64_t truncate_bits(uint64_t v, unsigned bits) {
        return bits >= 64 ? v : v & ((1ull << bits) - 1);
}

static inline int64_t sign_extend_bits(uint64_t v, unsigned bits) {
        return bits >= 64 ? (int64_t)v : (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* Value of a condition code (the low nibble of jcc, setcc, cmovcc opcodes): 0 or 1, or -1 when a
 * flag that it needs is unknown. */
int condition_value(const CpuState *s, unsigned code);
