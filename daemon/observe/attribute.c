/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/attribute.h"

#include "observe/arrival.h"
#include "observe/decode.h"
#include "observe/execute.h"
#include "observe/operand.h"

/* Bounds the work on a loop that lies whole in the window. */
#define FORWARD_INSTRUCTIONS_MAX 64

static const char *const model_names[SKID_MODEL_MAX] = {
        [SKID_AFTER] = "after",
        [SKID_NONE] = "none",
};

const char *skid_model_to_string(SkidModel model) {
        return (unsigned)model < SKID_MODEL_MAX ? model_names[model] : "none";
}

static const char *const rule_names[ATTRIBUTE_RULE_MAX] = {
        [RULE_NO_ADDRESS] = "no address", [RULE_REP] = "rep",
        [RULE_PREVIOUS] = "previous",     [RULE_NEXT] = "next",
        [RULE_FORWARD] = "forward",       [RULE_BLOCK] = "block",
};

const char *attribute_rule_to_string(AttributeRule rule) {
        return rule_names[(unsigned)rule < ATTRIBUTE_RULE_MAX ? rule : RULE_NO_ADDRESS];
}

/* Adds what the instruction accesses in this state; false: it accesses nothing. */
static bool add_accesses(Attribution *a, const CpuState *s, const Instruction *in) {
        Accesses found;

        instruction_accesses(s, in, &found);
        for (unsigned i = 0; i < found.n; i++) {
                if (a->n == ATTRIBUTION_MAX) {
                        a->unknown++;
                        continue;
                }
                if (found.mapping & (1u << i))
                        a->mapping |= 1u << a->n;
                a->address[a->n++] = found.address[i];
        }
        a->unknown += found.unknown;
        return found.n + found.unknown > 0;
}

static bool rep_has_count(const CpuState *s, const Instruction *in) {
        uint64_t count = s->gpr[GPR_RCX];

        if (in->info->address_width == 32)
                count = (uint32_t)count;
        return instruction_is_rep(in) && count != 0;
}

/* The state in which an instruction started that has just ended in state s, as far as its own
 * results can be undone: implicit pointers are moved back, other registers that it wrote are
 * unknown. */
static void undo_instruction(CpuState *s, const Instruction *in) {
        uint32_t written = instruction_written(in), undone = 0;

        if (instruction_is_string(in) && in->info->address_width == 64) {
                uint64_t step = in->info->operand_width / 8;

                if (s->flags & CPU_FLAG_DF)
                        step = 0 - step;
                undone = written & (1u << GPR_RSI | 1u << GPR_RDI);
                for (int i = GPR_RSI; i <= GPR_RDI; i++)
                        if (undone & (1u << i))
                                s->gpr[i] -= step;
        } else if (in->info->mnemonic == ZYDIS_MNEMONIC_PUSH && in->info->operand_width == 64) {
                s->gpr[GPR_RSP] += 8;
                undone = 1u << GPR_RSP;
        } else if (in->info->mnemonic == ZYDIS_MNEMONIC_POP && in->info->operand_width == 64 &&
                   register_number(in->operands[0].reg.value) != GPR_RSP) {
                s->gpr[GPR_RSP] -= 8;
                undone = 1u << GPR_RSP;
        }
        s->known &= ~(written & ~undone);
}

static bool rule_previous(Attribution *a, const CpuState *state, const CodeWindow *w) {
        CpuState s = *state;
        Attribution found = { .rule = RULE_PREVIOUS, .waited = true };
        Instruction in;

        if (arrival_previous(w, state, &in) < 0)
                return false;
        undo_instruction(&s, &in);
        if (!add_accesses(&found, &s, &in) || found.n == 0)
                return false;
        *a = found;
        return true;
}

/* Rules 2 and 3: the first instruction from the instruction pointer on that accesses memory. */
static void rule_forward(Attribution *a, const CpuState *state, const CodeWindow *w) {
        CpuState s = *state;
        Instruction in;

        for (unsigned i = 0; i < FORWARD_INSTRUCTIONS_MAX; i++) {
                if (decode_at(w, s.ip, &in) < 0)
                        return;
                if (add_accesses(a, &s, &in)) {
                        if (a->n > 0)
                                a->rule = i == 0 ? RULE_NEXT : RULE_FORWARD;
                        return;
                }
                if (cpu_execute(&s, &in) == EXECUTE_END)
                        return;
        }
}

/* Like add_accesses, but all or nothing: false, and nothing added, when an address is unknown. */
static bool add_known_accesses(Attribution *a, const CpuState *s, const Instruction *in) {
        uint32_t n = a->n, unknown = a->unknown, mapping = a->mapping;

        add_accesses(a, s, in);
        if (a->unknown == unknown)
                return true;
        a->n = n;
        a->unknown = unknown;
        a->mapping = mapping;
        return false;
}

/* The interruption waited for the next block to begin, and the time that it tells of was spent before:
 * a short block behind a long one is met for the long one's sake. So the accesses of the block alone
 * would say little about where time goes. A stretch of the path of some length, though, begins anywhere
 * on it, and holds each access as often as it is made. The first block counts with what is unknown of
 * it; then the path is followed while its branches and addresses can be told. */
static void rule_block(Attribution *a, const CpuState *state, const CodeWindow *w) {
        CpuState s = *state;
        bool first = true;
        Instruction in;

        for (unsigned i = 0; i < FORWARD_INSTRUCTIONS_MAX; i++) {
                if (decode_at(w, s.ip, &in) < 0)
                        break;
                if (first)
                        add_accesses(a, &s, &in);
                else if (!add_known_accesses(a, &s, &in))
                        break;
                if (in.info->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
                        first = false;
                if (cpu_execute(&s, &in) == EXECUTE_END)
                        break;
        }
        if (a->n > 0)
                a->rule = RULE_BLOCK;
        a->waited = true;
}

void attribute_sample(const CpuState *state, const CodeWindow *window, SkidModel model,
                      Attribution *ret) {
        Instruction in;

        *ret = (Attribution) {};
        if (model == SKID_NONE) {
                rule_block(ret, state, window);
                return;
        }
        if (decode_at(window, state->ip, &in) == 0 && rep_has_count(state, &in)) {
                add_accesses(ret, state, &in);
                if (ret->n > 0) {
                        ret->rule = RULE_REP;
                        ret->waited = true;
                        return;
                }
                *ret = (Attribution) {};
        }
        if (!rule_previous(ret, state, window))
                rule_forward(ret, state, window);
}
