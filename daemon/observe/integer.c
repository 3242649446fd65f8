/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/integer.h"

#include "observe/alu.h"
#include "observe/operand.h"

Value integer_read(const CpuState *s, const Instruction *in, unsigned i) {
        const ZydisDecodedOperand *op = &in->operands[i];

        switch (op->type) {
        case ZYDIS_OPERAND_TYPE_REGISTER:
                return cpu_read_register(s, in, op->reg.value);
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
                return (Value) { op->imm.value.u, true };
        default:
                return (Value) {};
        }
}

/* Writes of 32 bits clear the upper half; narrower ones keep the rest. */
static void write_register(CpuState *s, ZydisRegister reg, Value value) {
        int number = register_number(reg);
        unsigned bits, shift = 0;
        uint64_t mask;

        if (number < 0)
                return;
        bits = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg);
        if (bits < 32 && !(s->known & (1u << number)))
                return;
        if (!value.known) {
                s->known &= ~(1u << number);
                return;
        }
        if (bits >= 32) {
                s->gpr[number] = truncate_bits(value.v, bits);
        } else {
                if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
                        shift = 8;
                mask = ((1ull << bits) - 1) << shift;
                s->gpr[number] = (s->gpr[number] & ~mask) | ((value.v << shift) & mask);
        }
        s->known |= 1u << number;
}

static void write_operand(CpuState *s, const Instruction *in, unsigned i, Value value) {
        if (in->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
                write_register(s, in->operands[i].reg.value, value);
}

static void forget_flags(CpuState *s, uint32_t flags) {
        s->flags_known &= ~flags;
}

static void set_flags(CpuState *s, uint32_t flags, uint32_t defined, uint32_t undefined) {
        s->flags = (s->flags & ~(uint64_t)defined) | (flags & defined);
        s->flags_known = (s->flags_known | defined) & ~undefined;
}

/* Anything not modelled: what it may write becomes unknown. */
void integer_forget(CpuState *s, const Instruction *in) {
        const ZydisAccessedFlags *flags = in->info->cpu_flags;

        s->known &= ~instruction_written(in);
        if (flags)
                forget_flags(s, (uint32_t)(flags->modified | flags->set_0 | flags->set_1 |
                                           flags->undefined));
        if (in->info->meta.category == ZYDIS_CATEGORY_RDWRFSGS)
                s->bases_known = false;
}

static bool same_register(const Instruction *in) {
        return in->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               in->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               in->operands[0].reg.value == in->operands[1].reg.value;
}

/* Two operands, the first one written unless the instruction only compares. */
static void arithmetic(CpuState *s, const Instruction *in, AluOperation operation, bool write) {
        Value a = integer_read(s, in, 0), b = integer_read(s, in, 1);
        bool needs_carry = operation == ALU_ADC || operation == ALU_SBB;
        AluResult r;

        if ((operation == ALU_XOR || operation == ALU_SUB) && same_register(in))
                a = b = (Value) { 0, true };
        if (!a.known || !b.known || (needs_carry && !(s->flags_known & CPU_FLAG_CF))) {
                if (write)
                        write_operand(s, in, 0, (Value) {});
                forget_flags(s, CPU_FLAGS_STATUS);
                return;
        }
        r = alu_compute(operation, a.v, b.v, in->operands[0].size, s->flags & CPU_FLAG_CF);
        if (write)
                write_operand(s, in, 0, (Value) { r.value, true });
        set_flags(s, r.flags, r.defined, r.undefined);
}

static void shift_or_rotate(CpuState *s, const Instruction *in, AluOperation operation) {
        Value a = integer_read(s, in, 0), b = integer_read(s, in, 1);
        AluResult r;

        if (!a.known || !b.known) {
                write_operand(s, in, 0, (Value) {});
                forget_flags(s, CPU_FLAGS_STATUS);
                return;
        }
        r = alu_compute(operation, a.v, b.v, in->operands[0].size, false);
        write_operand(s, in, 0, (Value) { r.value, true });
        set_flags(s, r.flags, r.defined, r.undefined);
}

/* inc, dec, neg, not */
static void unary(CpuState *s, const Instruction *in) {
        ZydisMnemonic mnemonic = in->info->mnemonic;
        unsigned bits = in->operands[0].size;
        uint32_t keep =
                mnemonic == ZYDIS_MNEMONIC_INC || mnemonic == ZYDIS_MNEMONIC_DEC ? CPU_FLAG_CF : 0;
        Value a = integer_read(s, in, 0);
        AluResult r;

        if (mnemonic == ZYDIS_MNEMONIC_NOT) {
                write_operand(s, in, 0, (Value) { truncate_bits(~a.v, bits), a.known });
                return;
        }
        if (!a.known) {
                write_operand(s, in, 0, a);
                forget_flags(s, CPU_FLAGS_STATUS & ~keep);
                return;
        }
        if (mnemonic == ZYDIS_MNEMONIC_INC)
                r = alu_compute(ALU_ADD, a.v, 1, bits, false);
        else if (mnemonic == ZYDIS_MNEMONIC_DEC)
                r = alu_compute(ALU_SUB, a.v, 1, bits, false);
        else
                r = alu_compute(ALU_SUB, 0, a.v, bits, false);
        write_operand(s, in, 0, (Value) { r.value, true });
        set_flags(s, r.flags, r.defined & ~keep, r.undefined);
}

static void load_address(CpuState *s, const Instruction *in) {
        const ZydisDecodedOperandMem *mem = &in->operands[1].mem;
        Value base = { 0, true }, index = { 0, true };
        uint64_t address;

        if (mem->base != ZYDIS_REGISTER_NONE)
                base = cpu_read_register(s, in, mem->base);
        if (mem->index != ZYDIS_REGISTER_NONE)
                index = cpu_read_register(s, in, mem->index);
        address = base.v + index.v * mem->scale +
                  (mem->disp.has_displacement ? (uint64_t)mem->disp.value : 0);
        if (in->info->address_width == 32)
                address = (uint32_t)address;
        write_operand(s, in, 0, (Value) { address, base.known && index.known });
}

/* imul with two or three operands */
static void multiply(CpuState *s, const Instruction *in) {
        unsigned bits = in->operands[0].size, first = in->info->operand_count_visible == 3 ? 1 : 0;
        Value a = integer_read(s, in, first), b = integer_read(s, in, first + 1);
        __int128 product;
        bool overflow;

        if (!a.known || !b.known) {
                write_operand(s, in, 0, (Value) {});
                forget_flags(s, CPU_FLAGS_STATUS);
                return;
        }
        product = (__int128)sign_extend_bits(a.v, bits) * sign_extend_bits(b.v, bits);
        overflow = product != sign_extend_bits((uint64_t)product, bits);
        write_operand(s, in, 0, (Value) { truncate_bits((uint64_t)product, bits), true });
        set_flags(s, overflow ? CPU_FLAG_CF | CPU_FLAG_OF : 0, CPU_FLAG_CF | CPU_FLAG_OF,
                  CPU_FLAGS_STATUS & ~(CPU_FLAG_CF | CPU_FLAG_OF));
}

static ZydisRegister accumulator(unsigned bits, bool high) {
        if (bits == 64)
                return high ? ZYDIS_REGISTER_RDX : ZYDIS_REGISTER_RAX;
        if (bits == 32)
                return high ? ZYDIS_REGISTER_EDX : ZYDIS_REGISTER_EAX;
        return high ? ZYDIS_REGISTER_DX : ZYDIS_REGISTER_AX;
}

/* mul and imul with one operand, of 16 bits and more */
static void multiply_wide(CpuState *s, const Instruction *in) {
        unsigned bits = in->operands[0].size;
        Value a, b = integer_read(s, in, 0);
        unsigned __int128 product;
        bool overflow;

        a = cpu_read_register(s, in, accumulator(bits, false));
        if (bits < 16 || !a.known || !b.known) {
                integer_forget(s, in);
                return;
        }
        if (in->info->mnemonic == ZYDIS_MNEMONIC_IMUL) {
                __int128 p = (__int128)sign_extend_bits(a.v, bits) * sign_extend_bits(b.v, bits);

                overflow = p != sign_extend_bits((uint64_t)p, bits);
                product = (unsigned __int128)p;
        } else {
                product = (unsigned __int128)a.v * b.v;
                overflow = product >> bits != 0;
        }
        write_register(s, accumulator(bits, false),
                       (Value) { truncate_bits((uint64_t)product, bits), true });
        write_register(s, accumulator(bits, true),
                       (Value) { truncate_bits((uint64_t)(product >> bits), bits), true });
        set_flags(s, overflow ? CPU_FLAG_CF | CPU_FLAG_OF : 0, CPU_FLAG_CF | CPU_FLAG_OF,
                  CPU_FLAGS_STATUS & ~(CPU_FLAG_CF | CPU_FLAG_OF));
}

/* div of 16 bits and more; the signed one is rare in address arithmetic */
static void divide(CpuState *s, const Instruction *in) {
        unsigned bits = in->operands[0].size;
        Value low, high, by = integer_read(s, in, 0);
        unsigned __int128 dividend, quotient;

        low = cpu_read_register(s, in, accumulator(bits, false));
        high = cpu_read_register(s, in, accumulator(bits, true));
        integer_forget(s, in);
        if (bits < 16 || !low.known || !high.known || !by.known || by.v == 0)
                return;
        dividend = (unsigned __int128)high.v << bits | low.v;
        quotient = dividend / by.v;
        if (quotient >> bits != 0)
                return;
        write_register(s, accumulator(bits, false), (Value) { (uint64_t)quotient, true });
        write_register(s, accumulator(bits, true), (Value) { (uint64_t)(dividend % by.v), true });
}

static void move(CpuState *s, const Instruction *in) {
        write_operand(s, in, 0, integer_read(s, in, 1));
}

static void move_sign_extended(CpuState *s, const Instruction *in) {
        Value a = integer_read(s, in, 1);

        a.v = (uint64_t)sign_extend_bits(a.v, in->operands[1].size);
        write_operand(s, in, 0, a);
}

static void exchange(CpuState *s, const Instruction *in) {
        Value a = integer_read(s, in, 0), b = integer_read(s, in, 1);

        write_operand(s, in, 0, b);
        write_operand(s, in, 1, a);
}

/* cmovcc and setcc carry their condition in the low nibble of the opcode. */
static void conditional_move(CpuState *s, const Instruction *in) {
        int taken = condition_value(s, in->info->opcode & 15);

        if (taken < 0)
                write_operand(s, in, 0, (Value) {});
        else if (taken)
                move(s, in);
        else /* a 32-bit destination is zero-extended even when nothing is moved */
                write_operand(s, in, 0, integer_read(s, in, 0));
}

static void conditional_set(CpuState *s, const Instruction *in) {
        int value = condition_value(s, in->info->opcode & 15);

        write_operand(s, in, 0, (Value) { value == 1, value >= 0 });
}

/* cbw/cwde/cdqe and cwd/cdq/cqo: operand 0 from operand 1 of the list */
static void widen_accumulator(CpuState *s, const Instruction *in) {
        Value a = integer_read(s, in, 1);
        unsigned bits = in->operands[1].size;

        a.v = (uint64_t)sign_extend_bits(a.v, bits);
        if (in->info->mnemonic == ZYDIS_MNEMONIC_CWD || in->info->mnemonic == ZYDIS_MNEMONIC_CDQ ||
            in->info->mnemonic == ZYDIS_MNEMONIC_CQO)
                a.v = (int64_t)a.v < 0 ? UINT64_MAX : 0;
        write_operand(s, in, 0, a);
}

static void add_to_register(CpuState *s, int number, uint64_t n) {
        s->gpr[number] += n;
}

/* push, pop, call and leave move the stack pointer by the size of their implicit operand. */
static unsigned stack_bytes(const Instruction *in) {
        for (unsigned i = 0; i < in->info->operand_count; i++)
                if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                    in->operands[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
                        return in->operands[i].size / 8;
        return 8;
}

static void pop(CpuState *s, const Instruction *in) {
        bool to_rsp = in->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                      register_number(in->operands[0].reg.value) == GPR_RSP;

        add_to_register(s, GPR_RSP, stack_bytes(in));
        write_operand(s, in, 0, (Value) {});
        if (to_rsp)
                s->known &= ~(1u << GPR_RSP);
}

static void leave(CpuState *s, const Instruction *in) {
        if (in->info->operand_width != 64)
                return integer_forget(s, in);
        s->gpr[GPR_RSP] = s->gpr[GPR_RBP] + 8;
        if (s->known & (1u << GPR_RBP))
                s->known |= 1u << GPR_RSP;
        else
                s->known &= ~(1u << GPR_RSP);
        s->known &= ~(1u << GPR_RBP);
}

/* One element, or with REP as many as rcx says; cmps and scas with REP stop early at an unknown
 * place, and with 32-bit addresses the registers wrap: not modelled. */
static void string(CpuState *s, const Instruction *in) {
        bool rep = instruction_is_rep(in),
             compares = in->info->cpu_flags && in->info->cpu_flags->modified;
        uint64_t count = 1, step;
        uint32_t written = instruction_written(in) & ((1u << GPR_RSI) | (1u << GPR_RDI));

        step = in->info->operand_width / 8;
        if (in->info->address_width != 64 || !(s->flags_known & CPU_FLAG_DF) ||
            (rep && (compares || !(s->known & (1u << GPR_RCX))))) {
                integer_forget(s, in);
                return;
        }
        if (rep)
                count = s->gpr[GPR_RCX];
        if (s->flags & CPU_FLAG_DF)
                step = 0 - step;
        if (compares)
                forget_flags(s, CPU_FLAGS_STATUS);
        if (instruction_written(in) & (1u << GPR_RAX))
                s->known &= ~(1u << GPR_RAX);
        for (int i = GPR_RSI; i <= GPR_RDI; i++)
                if (written & (1u << i))
                        add_to_register(s, i, count * step);
        if (rep)
                s->gpr[GPR_RCX] = 0;
}

static void execute_arithmetic(CpuState *s, const Instruction *in) {
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_ADD:
                return arithmetic(s, in, ALU_ADD, true);
        case ZYDIS_MNEMONIC_ADC:
                return arithmetic(s, in, ALU_ADC, true);
        case ZYDIS_MNEMONIC_SUB:
                return arithmetic(s, in, ALU_SUB, true);
        case ZYDIS_MNEMONIC_CMP:
                return arithmetic(s, in, ALU_SUB, false);
        case ZYDIS_MNEMONIC_SBB:
                return arithmetic(s, in, ALU_SBB, true);
        case ZYDIS_MNEMONIC_AND:
                return arithmetic(s, in, ALU_AND, true);
        case ZYDIS_MNEMONIC_TEST:
                return arithmetic(s, in, ALU_AND, false);
        case ZYDIS_MNEMONIC_OR:
                return arithmetic(s, in, ALU_OR, true);
        case ZYDIS_MNEMONIC_XOR:
                return arithmetic(s, in, ALU_XOR, true);
        case ZYDIS_MNEMONIC_SHL:
                return shift_or_rotate(s, in, ALU_SHL);
        case ZYDIS_MNEMONIC_SHR:
                return shift_or_rotate(s, in, ALU_SHR);
        case ZYDIS_MNEMONIC_SAR:
                return shift_or_rotate(s, in, ALU_SAR);
        case ZYDIS_MNEMONIC_ROL:
                return shift_or_rotate(s, in, ALU_ROL);
        case ZYDIS_MNEMONIC_ROR:
                return shift_or_rotate(s, in, ALU_ROR);
        case ZYDIS_MNEMONIC_IMUL:
                return in->info->operand_count_visible == 1 ? multiply_wide(s, in)
                                                            : multiply(s, in);
        case ZYDIS_MNEMONIC_MUL:
                return multiply_wide(s, in);
        case ZYDIS_MNEMONIC_DIV:
                return divide(s, in);
        default: /* inc, dec, neg, not */
                return unary(s, in);
        }
}

void integer_execute(CpuState *s, const Instruction *in) {
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_ADD:
        case ZYDIS_MNEMONIC_ADC:
        case ZYDIS_MNEMONIC_SUB:
        case ZYDIS_MNEMONIC_CMP:
        case ZYDIS_MNEMONIC_SBB:
        case ZYDIS_MNEMONIC_AND:
        case ZYDIS_MNEMONIC_TEST:
        case ZYDIS_MNEMONIC_OR:
        case ZYDIS_MNEMONIC_XOR:
        case ZYDIS_MNEMONIC_SHL:
        case ZYDIS_MNEMONIC_SHR:
        case ZYDIS_MNEMONIC_SAR:
        case ZYDIS_MNEMONIC_ROL:
        case ZYDIS_MNEMONIC_ROR:
        case ZYDIS_MNEMONIC_IMUL:
        case ZYDIS_MNEMONIC_MUL:
        case ZYDIS_MNEMONIC_DIV:
        case ZYDIS_MNEMONIC_INC:
        case ZYDIS_MNEMONIC_DEC:
        case ZYDIS_MNEMONIC_NEG:
        case ZYDIS_MNEMONIC_NOT:
                return execute_arithmetic(s, in);
        case ZYDIS_MNEMONIC_LEA:
                return load_address(s, in);
        case ZYDIS_MNEMONIC_MOV:
        case ZYDIS_MNEMONIC_MOVZX:
                return move(s, in);
        case ZYDIS_MNEMONIC_MOVSX:
        case ZYDIS_MNEMONIC_MOVSXD:
                return move_sign_extended(s, in);
        case ZYDIS_MNEMONIC_XCHG:
                return exchange(s, in);
        case ZYDIS_MNEMONIC_CBW:
        case ZYDIS_MNEMONIC_CWDE:
        case ZYDIS_MNEMONIC_CDQE:
        case ZYDIS_MNEMONIC_CWD:
        case ZYDIS_MNEMONIC_CDQ:
        case ZYDIS_MNEMONIC_CQO:
                return widen_accumulator(s, in);
        case ZYDIS_MNEMONIC_POP:
                return pop(s, in);
        case ZYDIS_MNEMONIC_PUSH:
        case ZYDIS_MNEMONIC_PUSHF:
        case ZYDIS_MNEMONIC_PUSHFQ:
                return add_to_register(s, GPR_RSP, (uint64_t)0 - stack_bytes(in));
        case ZYDIS_MNEMONIC_LEAVE:
                return leave(s, in);
        default:
                break;
        }
        if (in->info->meta.category == ZYDIS_CATEGORY_CMOV)
                return conditional_move(s, in);
        if (in->info->meta.category == ZYDIS_CATEGORY_SETCC)
                return conditional_set(s, in);
        if (instruction_is_string(in))
                return string(s, in);
        integer_forget(s, in);
}
