/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/alu.h"

static uint32_t result_flags(uint64_t value, unsigned bits) {
        uint32_t flags = 0;

        if (value == 0)
                flags |= CPU_FLAG_ZF;
        if (value >> (bits - 1) & 1)
                flags |= CPU_FLAG_SF;
        if (!(__builtin_popcount((unsigned)(value & 0xff)) & 1))
                flags |= CPU_FLAG_PF;
        return flags;
}

static AluResult add(uint64_t a, uint64_t b, bool carry, unsigned bits) {
        uint64_t r = truncate_bits(a + b + carry, bits);
        uint32_t flags = result_flags(r, bits);

        if (carry ? r <= a : r < a)
                flags |= CPU_FLAG_CF;
        if ((~(a ^ b) & (a ^ r)) >> (bits - 1) & 1)
                flags |= CPU_FLAG_OF;
        if ((a ^ b ^ r) & 0x10)
                flags |= CPU_FLAG_AF;
        return (AluResult) { r, flags, CPU_FLAGS_STATUS, 0 };
}

static AluResult sub(uint64_t a, uint64_t b, bool borrow, unsigned bits) {
        uint64_t r = truncate_bits(a - b - borrow, bits);
        uint32_t flags = result_flags(r, bits);

        if (borrow ? a <= b : a < b)
                flags |= CPU_FLAG_CF;
        if (((a ^ b) & (a ^ r)) >> (bits - 1) & 1)
                flags |= CPU_FLAG_OF;
        if ((a ^ b ^ r) & 0x10)
                flags |= CPU_FLAG_AF;
        return (AluResult) { r, flags, CPU_FLAGS_STATUS, 0 };
}

static AluResult shift(AluOperation operation, uint64_t a, unsigned count, unsigned bits) {
        bool last; /* the bit shifted out last */
        uint64_t r;
        uint32_t flags;

        if (count == 0)
                return (AluResult) { .value = a };
        if (operation == ALU_SHL) {
                r = count >= bits ? 0 : truncate_bits(a << count, bits);
                last = count <= bits && (a >> (bits - count) & 1);
        } else if (operation == ALU_SHR) {
                r = count >= bits ? 0 : a >> count;
                last = count <= bits && (a >> (count - 1) & 1);
        } else {
                int64_t v = sign_extend_bits(a, bits);

                r = truncate_bits((uint64_t)(v >> count), bits);
                last = v >> (count - 1) & 1;
        }
        flags = result_flags(r, bits) | (last ? CPU_FLAG_CF : 0);
        /* The overflow flag is defined for shifts by one only, the carry flag not for counts from
         * the operand size on. */
        return (AluResult) {
                .value = r,
                .flags = flags,
                .defined =
                        CPU_FLAG_ZF | CPU_FLAG_SF | CPU_FLAG_PF | (count < bits ? CPU_FLAG_CF : 0),
                .undefined = CPU_FLAG_AF | CPU_FLAG_OF | (count < bits ? 0 : CPU_FLAG_CF),
        };
}

static AluResult rotate(AluOperation operation, uint64_t a, unsigned masked, unsigned bits) {
        unsigned count = masked % bits;
        uint64_t r = a;
        bool carry;

        if (masked == 0)
                return (AluResult) { .value = a };
        if (count != 0 && operation == ALU_ROL)
                r = truncate_bits(a << count | a >> (bits - count), bits);
        else if (count != 0)
                r = truncate_bits(a >> count | a << (bits - count), bits);
        carry = operation == ALU_ROL ? (r & 1) : (r >> (bits - 1) & 1);
        return (AluResult) {
                .value = r,
                .flags = carry ? CPU_FLAG_CF : 0,
                .defined = CPU_FLAG_CF,
                .undefined = CPU_FLAG_OF,
        };
}

AluResult alu_compute(AluOperation operation, uint64_t a, uint64_t b, unsigned bits, bool carry) {
        uint64_t r;

        a = truncate_bits(a, bits);
        switch (operation) {
        case ALU_ADD:
                return add(a, truncate_bits(b, bits), false, bits);
        case ALU_ADC:
                return add(a, truncate_bits(b, bits), carry, bits);
        case ALU_SUB:
                return sub(a, truncate_bits(b, bits), false, bits);
        case ALU_SBB:
                return sub(a, truncate_bits(b, bits), carry, bits);
        case ALU_SHL:
        case ALU_SHR:
        case ALU_SAR:
                return shift(operation, a, (unsigned)b & (bits == 64 ? 63 : 31), bits);
        case ALU_ROL:
        case ALU_ROR:
                return rotate(operation, a, (unsigned)b & (bits == 64 ? 63 : 31), bits);
        case ALU_AND:
                r = a & b;
                break;
        case ALU_OR:
                r = a | b;
                break;
        default:
                r = a ^ b;
                break;
        }
        r = truncate_bits(r, bits);
        return (AluResult) { r, result_flags(r, bits), CPU_FLAGS_STATUS & ~CPU_FLAG_AF,
                             CPU_FLAG_AF };
}

int condition_value(const CpuState *s, unsigned code) {
        static const uint32_t needs[8] = {
                CPU_FLAG_OF,
                CPU_FLAG_CF,
                CPU_FLAG_ZF,
                CPU_FLAG_CF | CPU_FLAG_ZF,
                CPU_FLAG_SF,
                CPU_FLAG_PF,
                CPU_FLAG_SF | CPU_FLAG_OF,
                CPU_FLAG_SF | CPU_FLAG_OF | CPU_FLAG_ZF,
        };
        uint32_t need = needs[code >> 1 & 7];
        bool less = !(s->flags & CPU_FLAG_SF) != !(s->flags & CPU_FLAG_OF), value;

        if ((s->flags_known & need) != need)
                return -1;
        if ((code >> 1 & 7) == 6)
                value = less;
        else if ((code >> 1 & 7) == 7)
                value = less || (s->flags & CPU_FLAG_ZF);
        else
                value = (s->flags & need) != 0;
        return value != (bool)(code & 1);
}
