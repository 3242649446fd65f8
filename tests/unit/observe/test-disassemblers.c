/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <capstone/capstone.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "observe/decode.h"
#include "observe/operand.h"

/* Random bytes through our evaluation of Zydis' operands and through Capstone: the length of the
 * instruction and the addresses that it accesses must be the same. */

#define WINDOWS 100000u

/* Mismatches of instructions that are not in `known`, of all that both decode. */
#define LIMIT_PER_MILLE 0.5

/* Both must have decoded this share of the windows, or the comparison is no comparison. */
#define COMPARED_PERCENT 35.0

/* Prefixes that mean nothing (0xf2 before an instruction of MMX, say) are refused by Zydis and ignored
 * by Capstone, and each lacks some new instructions. */
#define ONE_SIDED_PERCENT 5.0

typedef enum Verdict {
        BOTH_REFUSE,
        ONLY_ZYDIS,
        ONLY_CAPSTONE,
        OTHER_LENGTH,
        OTHER_ACCESSES,
        AGREE,
        VERDICT_MAX,
} Verdict;

static const char *const verdicts[VERDICT_MAX] = {
        "both refuse",  "only Zydis decodes", "only Capstone decodes",
        "other length", "other accesses",     "agree",
};

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static uint64_t random_u64(void) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return random_state * 0x2545f4914f6cdd1dull;
}

static unsigned below(unsigned n) {
        return (unsigned)((random_u64() >> 32) % n);
}

/* Bytes alone are mostly one-byte opcodes: three windows of four begin like the rarer maps. */
static void random_code(uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH]) {
        static const uint8_t legacy[] = { 0x66, 0xf2, 0xf3, 0x64, 0x65, 0x67, 0x2e, 0xf0 };
        static const uint8_t maps[] = { 0x0f, 0x0f, 0x0f, 0x38, 0x3a };
        static const uint8_t vectors[] = { 0xc4, 0xc5, 0x62 };
        unsigned n = 0;

        for (unsigned i = 0; i < ZYDIS_MAX_INSTRUCTION_LENGTH; i++)
                bytes[i] = (uint8_t)(random_u64() >> 40);
        switch (below(4)) {
        case 1:
                if (below(2))
                        bytes[n++] = legacy[below(sizeof(legacy))];
                if (below(2))
                        bytes[n++] = (uint8_t)(0x40 + below(16));
                break;
        case 2:
                if (below(2))
                        bytes[n++] = legacy[below(3)];
                if (below(2))
                        bytes[n++] = (uint8_t)(0x40 + below(16));
                bytes[n++] = 0x0f;
                if (below(2))
                        bytes[n] = maps[below(sizeof(maps))];
                break;
        case 3:
                bytes[n++] = vectors[below(sizeof(vectors))];
                break;
        default:
                break;
        }
}

static CpuState random_cpu(void) {
        CpuState s = test_state();

        /* Sums stay below the end of user space, mostly. */
        for (unsigned i = 0; i < GPR_MAX; i++)
                s.gpr[i] = random_u64() >> (below(4) ? 20 : 33);
        return s;
}

/* Number and width of a general-purpose register of Capstone; -1: another one. */
static int gpr_of(x86_reg reg, unsigned *ret_bits) {
        static const x86_reg r64[] = { X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
                                       X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
                                       X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
                                       X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 };
        static const x86_reg r32[] = { X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,
                                       X86_REG_ESP,  X86_REG_EBP,  X86_REG_ESI,  X86_REG_EDI,
                                       X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
                                       X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D };
        static const x86_reg r16[] = { X86_REG_AX,   X86_REG_CX,   X86_REG_DX,   X86_REG_BX,
                                       X86_REG_SP,   X86_REG_BP,   X86_REG_SI,   X86_REG_DI,
                                       X86_REG_R8W,  X86_REG_R9W,  X86_REG_R10W, X86_REG_R11W,
                                       X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W };

        for (int i = 0; i < GPR_MAX; i++) {
                *ret_bits = reg == r64[i] ? 64 : reg == r32[i] ? 32 : 16;
                if (reg == r64[i] || reg == r32[i] || reg == r16[i])
                        return i;
        }
        return -1;
}

static uint64_t register_value(const CpuState *s, const cs_insn *in, x86_reg reg) {
        unsigned bits;
        int number = gpr_of(reg, &bits);

        if (reg == X86_REG_RIP)
                return in->address + in->size;
        if (reg == X86_REG_EIP)
                return (uint32_t)(in->address + in->size);
        if (number < 0)
                return 0;
        return bits == 64 ? s->gpr[number] : s->gpr[number] & ((1ull << bits) - 1);
}

static void add_address(Accesses *a, uint64_t address) {
        if (address >= 1ull << 56 || a->n == INSTRUCTION_ACCESSES_MAX)
                a->unknown++;
        else
                a->address[a->n++] = address;
}

/* The Intel manuals say so; Capstone does not tell them from accesses. */
static bool only_hints(const cs_insn *in) {
        static const char *const names[] = { "lea",      "nop",  "prefetch", "clflush", "clwb",
                                             "cldemote", "ud0",  "ud1",      "invlpg",  "bndmov",
                                             "bndmk",    "bndc", "bndldx",   "bndstx" };

        for (size_t i = 0; i < N(names); i++)
                if (strncmp(in->mnemonic, names[i], strlen(names[i])) == 0 &&
                    strcmp(in->mnemonic, "leave") != 0)
                        return true;
        return false;
}

/* Bits beyond the operand that a bit test with a register selects. */
static uint64_t bit_offset(const CpuState *s, const cs_insn *in) {
        const cs_x86 *x = &in->detail->x86;
        unsigned bits;
        int number;

        if ((in->id != X86_INS_BT && in->id != X86_INS_BTS && in->id != X86_INS_BTR &&
             in->id != X86_INS_BTC) ||
            x->op_count < 2 || x->operands[1].type != X86_OP_REG)
                return 0;
        number = gpr_of(x->operands[1].reg, &bits);
        if (number < 0)
                return 0;
        if (bits == 16)
                return (uint64_t)(((int16_t)s->gpr[number] >> 4) * 2);
        if (bits == 32)
                return (uint64_t)(int64_t)(((int32_t)s->gpr[number] >> 5) * 4);
        return (uint64_t)(((int64_t)s->gpr[number] >> 6) * 8);
}

static void add_operand(const CpuState *s, const cs_insn *in, const cs_x86_op *op, Accesses *a) {
        const cs_x86 *x = &in->detail->x86;
        uint64_t address = (uint64_t)op->mem.disp;

        address += register_value(s, in, op->mem.base);
        address += register_value(s, in, op->mem.index) * (uint64_t)op->mem.scale;
        address += bit_offset(s, in);
        if (in->id == X86_INS_POP && op->mem.base == X86_REG_RSP)
                address += op->size;
        if (x->addr_size == 4)
                address = (uint32_t)address;
        if (op->mem.segment == X86_REG_FS)
                address += s->fs_base;
        if (op->mem.segment == X86_REG_GS)
                address += s->gs_base;
        add_address(a, address);
}

static bool has_prefix(const cs_insn *in, uint8_t wanted) {
        const cs_x86 *x = &in->detail->x86;

        for (unsigned i = 0; i < 4; i++)
                if (x->prefix[i] == wanted)
                        return true;
        return false;
}

/* Accesses that are not spelled out; Capstone does not list them. REX.W wins over 0x66. */
static void add_implied(const CpuState *s, const cs_insn *in, Accesses *a) {
        bool is_word = has_prefix(in, 0x66) && !(in->detail->x86.rex & 8);
        uint64_t bytes = is_word ? 2 : 8;

        switch (in->id) {
        case X86_INS_PUSH:
        case X86_INS_PUSHF:
        case X86_INS_PUSHFQ:
                add_address(a, s->gpr[GPR_RSP] - bytes);
                break;
        case X86_INS_CALL:
                add_address(a, s->gpr[GPR_RSP] - 8);
                break;
        case X86_INS_POP:
        case X86_INS_POPF:
        case X86_INS_POPFQ:
        case X86_INS_RET:
        case X86_INS_RETF:
        case X86_INS_RETFQ:
        case X86_INS_IRET:
        case X86_INS_IRETD:
        case X86_INS_IRETQ:
                add_address(a, s->gpr[GPR_RSP]);
                break;
        case X86_INS_LEAVE:
                add_address(a, s->gpr[GPR_RBP]);
                break;
        case X86_INS_ENTER: /* as many as its nesting says: our evaluation gives up */
                a->unknown++;
                break;
        case X86_INS_MASKMOVQ:
        case X86_INS_MASKMOVDQU:
                add_address(a, has_prefix(in, 0x67) ? (uint32_t)s->gpr[GPR_RDI] : s->gpr[GPR_RDI]);
                break;
        default:
                break;
        }
}

static bool is_illegal(const cs_insn *in, const uint8_t *bytes) {
        return strncmp(in->mnemonic, "ud", 2) == 0;
}

static bool in_group(const cs_insn *in, uint8_t group) {
        return memchr(in->detail->groups, group, in->detail->groups_count);
}

static bool is_near_branch_of_words(const cs_insn *in, const uint8_t *bytes) {
        return has_prefix(in, 0x66) && (in_group(in, X86_GRP_JUMP) || in->id == X86_INS_CALL);
}

static bool is_segment_hidden(const cs_insn *in, const uint8_t *bytes) {
        bool base = false, none = false;

        for (unsigned i = 0; i < in->size; i++) {
                base = base || bytes[i] == 0x64 || bytes[i] == 0x65;
                none = none || bytes[i] == 0x2e || bytes[i] == 0x3e || bytes[i] == 0x26 ||
                       bytes[i] == 0x36;
        }
        return base && none;
}

static bool is_xlat_of_segment(const cs_insn *in, const uint8_t *bytes) {
        return in->id == X86_INS_XLATB;
}

static bool is_far_call(const cs_insn *in, const uint8_t *bytes) {
        return in->id == X86_INS_LCALL;
}

static bool is_padlock(const cs_insn *in, const uint8_t *bytes) {
        return strncmp(in->mnemonic, "xstore", 6) == 0 || strncmp(in->mnemonic, "xcrypt", 6) == 0 ||
               in->id == X86_INS_XSHA1 || in->id == X86_INS_XSHA256 || in->id == X86_INS_MONTMUL;
}

/* Where the two disagree, and who is right. None of it occurs in compiled programs. */
static const struct {
        bool (*applies)(const cs_insn *in, const uint8_t *bytes);
        const char *why;
} known[] = {
        { is_illegal, "ud0, ud1: whether operands follow an opcode that only traps" },
        { is_near_branch_of_words,
          "0x66 before a near branch: Intel ignores it (Zydis), AMD takes 16 bits (Capstone)" },
        { is_segment_hidden,
          "fs or gs and then es, cs, ss or ds, which 64-bit mode ignores: Zydis is right" },
        { is_xlat_of_segment, "Capstone does not tell the segment of xlat" },
        { is_far_call, "Capstone does not tell how much a far call pushes" },
        { is_padlock, "VIA Padlock: Capstone does not tell the buffers" },
};

/* Row of the table, or -1. */
static int find_known(const cs_insn *in, const uint8_t *bytes) {
        for (size_t i = 0; i < N(known); i++)
                if (known[i].applies(in, bytes))
                        return (int)i;
        return -1;
}

static void capstone_accesses(const CpuState *s, const cs_insn *in, Accesses *ret) {
        const cs_x86 *x = &in->detail->x86;

        *ret = (Accesses) {};
        if (only_hints(in))
                return;
        if (in->id == X86_INS_XLATB) {
                add_address(ret, s->gpr[GPR_RBX] + (s->gpr[GPR_RAX] & 0xff));
                return;
        }
        for (unsigned i = 0; i < x->op_count; i++)
                if (x->operands[i].type == X86_OP_MEM)
                        add_operand(s, in, &x->operands[i], ret);
        add_implied(s, in, ret);
}

static int compare_addresses(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y ? 1 : 0;
}

static bool same_accesses(Accesses *a, Accesses *b) {
        qsort(a->address, a->n, sizeof(a->address[0]), compare_addresses);
        qsort(b->address, b->n, sizeof(b->address[0]), compare_addresses);
        return a->n == b->n && a->unknown == b->unknown &&
               memcmp(a->address, b->address, a->n * sizeof(a->address[0])) == 0;
}

/* *ret_instruction is Capstone's, or empty. */
static Verdict compare_window(csh handle, const TestCode *code, const CpuState *s,
                              cs_insn *ret_instruction) {
        const uint8_t *bytes = code->window.at_ip;
        size_t n = ZYDIS_MAX_INSTRUCTION_LENGTH;
        uint64_t address = IP;
        Accesses ours, theirs;
        Instruction in;
        bool zydis, capstone;

        ret_instruction->mnemonic[0] = 0;
        zydis = decode_at(&code->window, IP, &in) == 0;
        capstone = cs_disasm_iter(handle, &bytes, &n, &address, ret_instruction);
        if (!zydis || !capstone)
                return zydis ? ONLY_ZYDIS : capstone ? ONLY_CAPSTONE : BOTH_REFUSE;
        if (in.info->length != ret_instruction->size)
                return OTHER_LENGTH;
        instruction_accesses(s, &in, &ours);
        capstone_accesses(s, ret_instruction, &theirs);
        return same_accesses(&ours, &theirs) ? AGREE : OTHER_ACCESSES;
}

Test(disassemblers, agree_on_random_bytes) {
        unsigned count[VERDICT_MAX] = {}, explained[N(known)] = {};
        unsigned unexplained = 0, both, one;
        cs_insn *instruction;
        csh handle;

        cr_assert_eq(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
        cr_assert_eq(cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
        instruction = cs_malloc(handle);
        for (unsigned i = 0; i < WINDOWS; i++) {
                uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
                CpuState s = random_cpu();
                TestCode code;
                Verdict verdict;
                int row;

                random_code(bytes);
                test_code(&code, "", 0, (const char *)bytes, sizeof(bytes));
                verdict = compare_window(handle, &code, &s, instruction);
                count[verdict]++;
                if (verdict != OTHER_LENGTH && verdict != OTHER_ACCESSES)
                        continue;
                row = find_known(instruction, bytes);
                if (row >= 0) {
                        explained[row]++;
                        continue;
                }
                if (unexplained++ < 20)
                        printf("# %s: %s %s\n", verdicts[verdict], instruction->mnemonic,
                               instruction->op_str);
        }
        both = count[OTHER_LENGTH] + count[OTHER_ACCESSES] + count[AGREE];
        cr_expect_gt(100.0 * both / WINDOWS, COMPARED_PERCENT, "only %u of %u windows compared",
                     both, WINDOWS);
        cr_expect_lt(1000.0 * unexplained / both, LIMIT_PER_MILLE,
                     "%u of %u disagree without a known reason", unexplained, both);
        one = count[ONLY_ZYDIS] + count[ONLY_CAPSTONE];
        cr_expect_lt(100.0 * one / both, ONE_SIDED_PERCENT,
                     "%u windows are an instruction to one of them only", one);
        for (size_t i = 0; i < N(known); i++)
                printf("# %u times %s\n", explained[i], known[i].why);
        printf("# %u windows: both decode %u, %u without a known reason differently\n", WINDOWS,
               both, unexplained);
        cs_free(instruction, 1);
        cs_close(&handle);
}
