/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/execute.h"

#include "observe/alu.h"
#include "observe/integer.h"

static ExecuteResult jump_to(CpuState *s, Value target) {
        if (!target.known)
                return EXECUTE_END;
        s->ip = target.v;
        return EXECUTE_JUMPED;
}

static Value branch_target(const CpuState *s, const Instruction *in) {
        const ZydisDecodedOperand *op = &in->operands[0];

        if (in->info->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
                return (Value) {};
        if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
                return (Value) { in->next_ip + op->imm.value.u, true };
        return integer_read(s, in, 0);
}

/* loop, loope, loopne, jrcxz, jecxz: whether it jumps, or -1 */
static int count_condition(CpuState *s, const Instruction *in) {
        bool loops = in->info->mnemonic == ZYDIS_MNEMONIC_LOOP;

        if (in->info->mnemonic == ZYDIS_MNEMONIC_JRCXZ)
                return s->known & (1u << GPR_RCX) ? s->gpr[GPR_RCX] == 0 : -1;
        if (!loops || in->info->address_width != 64 || !(s->known & (1u << GPR_RCX))) {
                integer_forget(s, in);
                return -1;
        }
        return --s->gpr[GPR_RCX] != 0;
}

/* Whether a conditional branch is taken, or -1. */
static int is_taken(CpuState *s, const Instruction *in) {
        switch (instruction_branch_kind(in)) {
        case BRANCH_FLAGS:
                return condition_value(s, in->info->opcode & 15);
        case BRANCH_COUNT:
                return count_condition(s, in);
        default:
                return -1;
        }
}

static ExecuteResult branch(CpuState *s, const Instruction *in) {
        Value target = branch_target(s, in);
        int taken;

        switch (in->info->meta.category) {
        case ZYDIS_CATEGORY_CALL:
                if (in->info->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
                        return EXECUTE_END;
                s->gpr[GPR_RSP] -= 8;
                return jump_to(s, target);
        case ZYDIS_CATEGORY_UNCOND_BR:
                return jump_to(s, target);
        default:
                break;
        }
        taken = is_taken(s, in);
        if (taken < 0)
                return EXECUTE_END;
        if (taken)
                return jump_to(s, target);
        s->ip = in->next_ip;
        return EXECUTE_NEXT;
}

ExecuteResult cpu_execute(CpuState *s, const Instruction *in) {
        switch (in->info->meta.category) {
        case ZYDIS_CATEGORY_CALL:
        case ZYDIS_CATEGORY_UNCOND_BR:
        case ZYDIS_CATEGORY_COND_BR:
                return branch(s, in);
        case ZYDIS_CATEGORY_INTERRUPT:
        case ZYDIS_CATEGORY_IOSTRINGOP:
        case ZYDIS_CATEGORY_RET:
        case ZYDIS_CATEGORY_SYSCALL:
        case ZYDIS_CATEGORY_SYSRET:
                return EXECUTE_END;
        case ZYDIS_CATEGORY_SYSTEM:
                if (in->info->mnemonic != ZYDIS_MNEMONIC_RDTSC &&
                    in->info->mnemonic != ZYDIS_MNEMONIC_RDTSCP)
                        return EXECUTE_END;
                break;
        default:
                break;
        }
        if (instruction_ends_flow(in) || in->info->mnemonic == ZYDIS_MNEMONIC_ENTER)
                return EXECUTE_END;
        integer_execute(s, in);
        s->ip = in->next_ip;
        return EXECUTE_NEXT;
}
