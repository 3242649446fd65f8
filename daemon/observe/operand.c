/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/operand.h"

#include <errno.h>

/* User addresses end below 2^56 with five-level page tables, below 2^47 else. */
#define USER_ADDRESS_END (1ull << 56)

int register_number(ZydisRegister reg) {
        ZydisRegister full;

        if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
                return (int)(reg - ZYDIS_REGISTER_AH);
        if (reg == ZYDIS_REGISTER_NONE)
                return -1;
        full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
        if (full < ZYDIS_REGISTER_RAX || full > ZYDIS_REGISTER_R15)
                return -1;
        return (int)(full - ZYDIS_REGISTER_RAX);
}

Value cpu_read_register(const CpuState *s, const Instruction *in, ZydisRegister reg) {
        int number;
        uint64_t v;

        if (reg == ZYDIS_REGISTER_RIP)
                return (Value) { in->next_ip, true };
        if (reg == ZYDIS_REGISTER_EIP)
                return (Value) { (uint32_t)in->next_ip, true };
        number = register_number(reg);
        if (number < 0 || !(s->known & (1u << number)))
                return (Value) {};
        v = s->gpr[number];
        if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
                return (Value) { (v >> 8) & 0xff, true };
        switch (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg)) {
        case 8:
                return (Value) { v & 0xff, true };
        case 16:
                return (Value) { v & 0xffff, true };
        case 32:
                return (Value) { v & 0xffffffff, true };
        default:
                return (Value) { v, true };
        }
}

bool instruction_is_string(const Instruction *in) {
        return in->info->meta.category == ZYDIS_CATEGORY_STRINGOP;
}

bool instruction_is_rep(const Instruction *in) {
        return instruction_is_string(in) &&
               (in->info->attributes &
                (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
}

uint32_t instruction_written(const Instruction *in) {
        uint32_t mask = 0;

        for (unsigned i = 0; i < in->info->operand_count; i++) {
                const ZydisDecodedOperand *op = &in->operands[i];
                int number;

                if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
                    !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
                        continue;
                number = register_number(op->reg.value);
                if (number >= 0)
                        mask |= 1u << number;
        }
        /* Zydis 4.0 does not list the pointers of cmps as written. */
        if (instruction_is_string(in))
                for (unsigned i = 0; i < in->info->operand_count; i++)
                        if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY) {
                                int number = register_number(in->operands[i].mem.base);

                                if (number >= 0)
                                        mask |= 1u << number;
                        }
        return mask;
}

/* Instructions with a memory operand that only hint, or name a line rather than access it. */
static bool accesses_nothing(const Instruction *in) {
        switch (in->info->meta.category) {
        case ZYDIS_CATEGORY_NOP:
        case ZYDIS_CATEGORY_WIDENOP:
        case ZYDIS_CATEGORY_PREFETCH:
        case ZYDIS_CATEGORY_PREFETCHWT1:
        case ZYDIS_CATEGORY_MPX: /* no kernel enables it any more, so it does nothing */
        case ZYDIS_CATEGORY_CLDEMOTE:
        case ZYDIS_CATEGORY_CLFLUSHOPT:
        case ZYDIS_CATEGORY_CLWB:
                return true;
        default:
                break;
        }
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_CLFLUSH:
        case ZYDIS_MNEMONIC_INVLPG:
        case ZYDIS_MNEMONIC_UD0:
        case ZYDIS_MNEMONIC_UD1:
                return true;
        default:
                return false;
        }
}

static bool is_push(const Instruction *in) {
        return in->info->meta.category == ZYDIS_CATEGORY_PUSH ||
               in->info->meta.category == ZYDIS_CATEGORY_CALL;
}

/* What an instruction adds to the address that its operand spells out. */
static Value extra_offset(const CpuState *s, const Instruction *in, const ZydisDecodedOperand *op) {
        Value bit;
        unsigned width;

        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_XLAT:
                return cpu_read_register(s, in, ZYDIS_REGISTER_AL);
        case ZYDIS_MNEMONIC_BT:
        case ZYDIS_MNEMONIC_BTS:
        case ZYDIS_MNEMONIC_BTR:
        case ZYDIS_MNEMONIC_BTC:
                /* A register offset selects a bit anywhere around the operand. */
                if (in->operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
                        break;
                bit = cpu_read_register(s, in, in->operands[1].reg.value);
                if (!bit.known)
                        return bit;
                width = op->size;
                if (width == 16)
                        bit.v = (uint64_t)(int64_t)(int16_t)bit.v;
                else if (width == 32)
                        bit.v = (uint64_t)(int64_t)(int32_t)bit.v;
                else
                        width = 64;
                bit.v = (uint64_t)(((int64_t)bit.v >> __builtin_ctz(width)) * (width / 8));
                return bit;
        default:
                break;
        }
        /* The stack pointer is lowered before a push stores, and raised before a pop into memory
         * computes where to. */
        if (op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
            register_number(op->mem.base) == GPR_RSP && is_push(in))
                return (Value) { (uint64_t)0 - op->size / 8, true };
        if (op->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
            in->info->mnemonic == ZYDIS_MNEMONIC_POP && register_number(op->mem.base) == GPR_RSP)
                return (Value) { op->size / 8, true };
        return (Value) { 0, true };
}

static bool add_register(const CpuState *s, const Instruction *in, ZydisRegister reg,
                         uint64_t scale, uint64_t *sum) {
        Value value;

        if (reg == ZYDIS_REGISTER_NONE)
                return true;
        value = cpu_read_register(s, in, reg);
        *sum += value.v * scale;
        return value.known;
}

/* Those always use the full stack pointer, or frame pointer (leave). */
static bool is_implied_stack(const Instruction *in, const ZydisDecodedOperand *op) {
        return op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
               (register_number(op->mem.base) == GPR_RSP ||
                in->info->mnemonic == ZYDIS_MNEMONIC_LEAVE);
}

/* 0, or -ENODATA when the address cannot be told. */
static int operand_address(const CpuState *s, const Instruction *in, const ZydisDecodedOperand *op,
                           uint64_t *ret) {
        const ZydisDecodedOperandMem *mem = &op->mem;
        uint64_t address = mem->disp.has_displacement ? (uint64_t)mem->disp.value : 0;
        Value extra;

        if (in->info->mnemonic == ZYDIS_MNEMONIC_ENTER)
                return -ENODATA;
        if (!add_register(s, in, mem->base, 1, &address))
                return -ENODATA;
        if (mem->type == ZYDIS_MEMOP_TYPE_MEM &&
            !add_register(s, in, mem->index, mem->scale, &address))
                return -ENODATA;
        extra = extra_offset(s, in, op);
        if (!extra.known)
                return -ENODATA;
        address += extra.v;
        if (in->info->address_width == 32 && !is_implied_stack(in, op))
                address = (uint32_t)address;
        if (mem->segment == ZYDIS_REGISTER_FS || mem->segment == ZYDIS_REGISTER_GS) {
                if (!s->bases_known)
                        return -ENODATA;
                address += mem->segment == ZYDIS_REGISTER_FS ? s->fs_base : s->gs_base;
        }
        if (address >= USER_ADDRESS_END)
                return -ENODATA;
        *ret = address;
        return 0;
}

void instruction_accesses(const CpuState *s, const Instruction *in, Accesses *ret) {
        *ret = (Accesses) {};
        if (accesses_nothing(in))
                return;
        for (unsigned i = 0; i < in->info->operand_count; i++) {
                const ZydisDecodedOperand *op = &in->operands[i];

                if (op->type != ZYDIS_OPERAND_TYPE_MEMORY ||
                    op->mem.type == ZYDIS_MEMOP_TYPE_AGEN || op->mem.type == ZYDIS_MEMOP_TYPE_MIB)
                        continue;
                if (ret->n == INSTRUCTION_ACCESSES_MAX ||
                    operand_address(s, in, op, &ret->address[ret->n]) < 0) {
                        ret->unknown++;
                        continue;
                }
                if (op->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
                        ret->mapping |= 1u << ret->n;
                ret->n++;
        }
}
