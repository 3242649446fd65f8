/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/refute.h"

#include "observe/alu.h"
#include "observe/integer.h"
#include "observe/operand.h"

#define FLAGS_OF_RESULT (CPU_FLAG_ZF | CPU_FLAG_SF | CPU_FLAG_PF)

bool branch_refuted(const CpuState *s, const Instruction *in, bool taken) {
        int value;

        if (instruction_branch_kind(in) != BRANCH_FLAGS)
                return false;
        value = condition_value(s, in->info->opcode & 15);
        return value >= 0 && value != taken;
}

static bool flags_differ(const CpuState *s, AluResult r, uint32_t which) {
        return ((uint32_t)s->flags ^ r.flags) & r.defined & s->flags_known & which;
}

static unsigned operand_bits(const Instruction *in, unsigned i) {
        return in->operands[i].size;
}

static bool is_register(const Instruction *in, unsigned i) {
        return in->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               register_number(in->operands[i].reg.value) >= 0;
}

/* Same full register, so that the source is no longer what it was. */
static bool same_register(const Instruction *in, unsigned a, unsigned b) {
        return is_register(in, a) && is_register(in, b) &&
               register_number(in->operands[a].reg.value) ==
                       register_number(in->operands[b].reg.value);
}

/* The flags of a result that is in a register, whatever it was made from. */
static bool result_refuted(const CpuState *s, const Instruction *in, uint32_t which) {
        unsigned bits = operand_bits(in, 0);
        Value v = integer_read(s, in, 0);

        if (!v.known || !is_register(in, 0))
                return false;
        return flags_differ(s, alu_compute(ALU_AND, v.v, v.v, bits, false), which);
}

static bool comparison_refuted(const CpuState *s, const Instruction *in, AluOperation operation) {
        Value a = integer_read(s, in, 0), b = integer_read(s, in, 1);

        if (!a.known || !b.known)
                return false;
        return flags_differ(s, alu_compute(operation, a.v, b.v, operand_bits(in, 0), false),
                            CPU_FLAGS_STATUS);
}

/* What was added or subtracted can be taken away again, if it is still there. */
static bool sum_refuted(const CpuState *s, const Instruction *in, AluOperation operation) {
        Value result = integer_read(s, in, 0), b = integer_read(s, in, 1);
        unsigned bits = operand_bits(in, 0);
        uint64_t before;

        if (!result.known || !b.known || same_register(in, 0, 1))
                return result_refuted(s, in, FLAGS_OF_RESULT);
        before = operation == ALU_ADD ? result.v - b.v : result.v + b.v;
        return flags_differ(s, alu_compute(operation, before, b.v, bits, false), CPU_FLAGS_STATUS);
}

/* A register that got the value of another one (or of a constant) still has it. */
static bool copy_refuted(const CpuState *s, const Instruction *in, bool sign_extends) {
        Value to = integer_read(s, in, 0), from = integer_read(s, in, 1);

        if (!is_register(in, 0) || !to.known || !from.known)
                return false;
        if (sign_extends)
                from.v = (uint64_t)sign_extend_bits(from.v, operand_bits(in, 1));
        return to.v != truncate_bits(from.v, operand_bits(in, 0));
}

static bool logic_refuted(const CpuState *s, const Instruction *in) {
        Value v = integer_read(s, in, 0);

        if (in->info->mnemonic == ZYDIS_MNEMONIC_XOR &&
            in->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && is_register(in, 0) &&
            in->operands[0].reg.value == in->operands[1].reg.value && v.known && v.v != 0)
                return true;
        return result_refuted(s, in, CPU_FLAGS_STATUS);
}

bool instruction_refuted(const CpuState *s, const Instruction *in) {
        int condition = -1;

        if (instruction_branch_kind(in) != BRANCH_NONE)
                return branch_refuted(s, in, false);
        if (in->info->meta.category == ZYDIS_CATEGORY_CMOV) {
                condition = condition_value(s, in->info->opcode & 15);
                return condition == 1 && copy_refuted(s, in, false);
        }
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_CMP:
                return comparison_refuted(s, in, ALU_SUB);
        case ZYDIS_MNEMONIC_TEST:
                return comparison_refuted(s, in, ALU_AND);
        case ZYDIS_MNEMONIC_ADD:
                return sum_refuted(s, in, ALU_ADD);
        case ZYDIS_MNEMONIC_SUB:
                return sum_refuted(s, in, ALU_SUB);
        case ZYDIS_MNEMONIC_AND:
        case ZYDIS_MNEMONIC_OR:
        case ZYDIS_MNEMONIC_XOR:
                return logic_refuted(s, in);
        case ZYDIS_MNEMONIC_ADC:
        case ZYDIS_MNEMONIC_SBB:
        case ZYDIS_MNEMONIC_INC:
        case ZYDIS_MNEMONIC_DEC:
        case ZYDIS_MNEMONIC_NEG:
                return result_refuted(s, in, FLAGS_OF_RESULT);
        case ZYDIS_MNEMONIC_MOV:
                return copy_refuted(s, in, false);
        case ZYDIS_MNEMONIC_MOVZX:
                return copy_refuted(s, in, false);
        case ZYDIS_MNEMONIC_MOVSX:
        case ZYDIS_MNEMONIC_MOVSXD:
                return copy_refuted(s, in, true);
        default:
                return false;
        }
}
