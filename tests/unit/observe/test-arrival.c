/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "common.h"
#include "observe/arrival.h"
#include "observe/far_code.h"
#include "observe/refute.h"

#define FILL8      "\x48\x01\xd1\x48\x01\xd1\x66\x90"
#define FILL32     FILL8 FILL8 FILL8 FILL8
#define CODE(text) (text), sizeof(text) - 1

#define ZF CPU_FLAG_ZF
#define PF CPU_FLAG_PF

typedef struct Row {
        const char *name;
        const char *before;
        size_t n_before;
        const char *after;
        size_t n_after;
        uint64_t flags;
        int previous; /* ZYDIS_MNEMONIC_*, or 0: none */
        bool far_branch, register_holds_ip;
} Row;

/* clang-format off */
static const Row rows[] = {
        { "mov (%rax),%rdx", CODE(FILL32 "\x48\x8b\x10"), CODE("\x90\xc3"), 0,
          ZYDIS_MNEMONIC_MOV, false, false },
        { "the same, but a branch from afar goes there", CODE(FILL32 "\x48\x8b\x10"),
          CODE("\x90\xc3"), 0, 0, true, false },
        { "the same, but a register holds the address", CODE(FILL32 "\x48\x8b\x10"),
          CODE("\x90\xc3"), 0, 0, false, true },
        { "add (%rax),%rcx with the flags of its result", CODE(FILL32 "\x48\x03\x08"),
          CODE("\x90\xc3"), 0, ZYDIS_MNEMONIC_ADD, false, false },
        { "the same, but the result is not zero", CODE(FILL32 "\x48\x03\x08"), CODE("\x90\xc3"),
          ZF | PF, 0, false, false },
        { "cmp (%rax),%rdx; jne elsewhere, equal", CODE(FILL32 "\x48\x3b\x10\x75\x10"),
          CODE("\x90\xc3"), ZF | PF, ZYDIS_MNEMONIC_CMP, false, false },
        { "the same, unequal: it would have gone elsewhere",
          CODE(FILL32 "\x48\x3b\x10\x75\x10"), CODE("\x90\xc3"), 0, 0, false, false },
        { "cmp (%rax),%rdx; jne ip; mov (%rbx),%rcx: unequal, or fallen through after",
          CODE(FILL32 "\x48\x3b\x10\x75\x03\x48\x8b\x0b"), CODE("\x90\xc3"), 0, 0, false, false },
        { "the same, equal: not the branch",
          CODE(FILL32 "\x48\x3b\x10\x75\x03\x48\x8b\x0b"), CODE("\x90\xc3"), ZF | PF,
          ZYDIS_MNEMONIC_MOV, false, false },
        { "add %rdx,%rcx; then the head of a loop that ends in cmp (%rax),%rdx; jne",
          CODE(FILL32 "\x48\x01\xd1"), CODE("\x90\x48\x3b\x10\x75\xfa\xc3"), 0,
          ZYDIS_MNEMONIC_CMP, false, false },
        { "mov %rdx,%rdx in front of it may as well have been the last",
          CODE(FILL32 "\x48\x89\xd2"), CODE("\x90\x48\x3b\x10\x75\xfa\xc3"), 0, 0, false, false },
        { "padding in front of it is not",
          CODE(FILL32 "\x48\x89\xd2\x66\x90"), CODE("\x90\x48\x3b\x10\x75\xfa\xc3"), 0,
          ZYDIS_MNEMONIC_CMP, false, false },
        { "a call in front of it may have returned", CODE(FILL32 "\xe8\x00\x01\x00\x00"),
          CODE("\x90\x48\x3b\x10\x75\xfa\xc3"), 0, 0, false, false },
};
/* clang-format on */

Test(arrival, previous) {
        for (size_t i = 0; i < N(rows); i++) {
                CpuState s = test_state();
                Instruction in;
                TestCode code;
                int r;

                test_code(&code, rows[i].before, rows[i].n_before, rows[i].after, rows[i].n_after);
                code.window.far_branch = rows[i].far_branch;
                s.flags = rows[i].flags;
                if (rows[i].register_holds_ip)
                        s.gpr[GPR_R15] = IP;
                r = arrival_previous(&code.window, &s, &in);
                if (rows[i].previous == 0)
                        cr_expect_eq(r, -ENOENT, "%s: %s", rows[i].name,
                                     r == 0 ? ZydisMnemonicGetString(in.info->mnemonic) : "error");
                else
                        cr_expect(r == 0 && (int)in.info->mnemonic == rows[i].previous, "%s: %d",
                                  rows[i].name, r);
        }
}

/* rcx is 2, rdx is -8. */
static const struct {
        const char *name;
        const char *code;
        size_t n;
        uint64_t flags;
        bool refuted;
} refutations[] = {
        { "mov %rcx,%rdx", CODE("\x48\x89\xca"), 0, true },
        { "mov $2,%ecx", CODE("\xb9\x02\x00\x00\x00"), 0, false },
        { "mov $3,%ecx", CODE("\xb9\x03\x00\x00\x00"), 0, true },
        { "mov (%rax),%rcx", CODE("\x48\x8b\x08"), ZF, false },
        { "xor %ecx,%ecx", CODE("\x31\xc9"), 0, true },
        { "and %rcx,%rdx: negative", CODE("\x48\x21\xca"), CPU_FLAG_SF, false },
        { "and %rcx,%rdx: not negative", CODE("\x48\x21\xca"), 0, true },
        { "test %rcx,%rcx", CODE("\x48\x85\xc9"), 0, false },
        { "test %rcx,%rcx: zero", CODE("\x48\x85\xc9"), ZF | PF, true },
        { "cmp $2,%rcx: equal", CODE("\x48\x83\xf9\x02"), ZF | PF, false },
        { "cmp $2,%rcx: unequal", CODE("\x48\x83\xf9\x02"), 0, true },
        { "add $1,%rcx", CODE("\x48\x83\xc1\x01"), 0, false },
        { "add $1,%rcx: carry", CODE("\x48\x83\xc1\x01"), CPU_FLAG_CF, true },
        { "sub $1,%rcx: borrow", CODE("\x48\x83\xe9\x01"), CPU_FLAG_CF | PF, true },
        { "dec %ecx leaves the carry", CODE("\xff\xc9"), CPU_FLAG_CF, false },
        { "dec %ecx: negative", CODE("\xff\xc9"), CPU_FLAG_SF, true },
        { "movslq %edx,%rcx", CODE("\x48\x63\xca"), 0, true },
        { "movslq %edx,%rdx", CODE("\x48\x63\xd2"), 0, false },
        { "movzbl %cl,%ecx", CODE("\x0f\xb6\xc9"), 0, false },
        { "movzbl %cl,%edx", CODE("\x0f\xb6\xd1"), 0, true },
        { "cmovne %rcx,%rdx: unequal", CODE("\x48\x0f\x45\xd1"), 0, true },
        { "cmovne %rcx,%rdx: equal", CODE("\x48\x0f\x45\xd1"), ZF, false },
        { "je, not taken", CODE("\x74\x00"), 0, false },
        { "je, taken", CODE("\x74\x00"), ZF, true },
        { "jrcxz is not told", CODE("\xe3\x00"), 0, false },
};

Test(arrival, refutations) {
        for (size_t i = 0; i < N(refutations); i++) {
                CpuState s = test_state();
                Instruction in;
                TestCode code;

                test_code(&code, "", 0, refutations[i].code, refutations[i].n);
                s.flags = refutations[i].flags;
                cr_assert_eq(decode_at(&code.window, IP, &in), 0, "%s", refutations[i].name);
                cr_expect_eq(instruction_refuted(&s, &in), refutations[i].refuted, "%s",
                             refutations[i].name);
                s.known = 0;
                s.flags_known = 0;
                cr_expect_not(instruction_refuted(&s, &in), "%s: nothing is known",
                              refutations[i].name);
        }
}

Test(arrival, code_branches_to) {
        /* jmp, call and jne to 0x1105; a byte before that is none of them; cut off */
        static const struct {
                const char *code;
                size_t n;
                bool goes;
        } jumps[] = {
                { CODE("\xe9\x00\x01\x00\x00"), true },
                { CODE("\xe8\x00\x01\x00\x00"), true },
                { CODE("\x0f\x85\xff\x00\x00\x00"), true },
                { CODE("\x0f\x95\xff\x00\x00\x00"), false },
                { CODE("\xeb\x00\x01\x00\x00"), false },
                { CODE("\xe9\x01\x01\x00\x00"), false },
                { CODE("\xe9\x00\x01\x00"), false },
                { CODE(""), false },
        };

        for (size_t i = 0; i < N(jumps); i++)
                cr_expect_eq(code_branches_to((const uint8_t *)jumps[i].code, jumps[i].n, 0x1000,
                                              0x1105),
                             jumps[i].goes, "row %zu", i);
}

/* Two places in this very program: one that a jump goes to, one that none does. */
__asm__(".text\n"
        ".balign 64\n"
        "far_start: jmp far_target\n"
        ".skip 300, 0x90\n"
        "far_target: ret\n"
        ".skip 20, 0x90\n"
        "far_none: ret\n"
        ".previous\n");
extern const uint8_t far_target[], far_none[];

static CodeWindow window_at(const uint8_t *place) {
        return (CodeWindow) { .at_ip = place, .before = 16, .after = 1, .ip = (uintptr_t)place };
}

Test(arrival, far_code_of_a_process) {
        CodeWindow target = window_at(far_target), none = window_at(far_none);
        SystemRoot root;

        cr_assert_eq(system_root_open(&root, ""), 0);
        for (int again = 0; again < 2; again++) {
                cr_expect(far_code_branches_to(&root, getpid(), 1, &target));
                cr_expect_not(far_code_branches_to(&root, getpid(), 1, &none));
        }
        cr_expect_not(far_code_branches_to(&root, 0x7fffffff, 2, &target), "no such process");
        target.ip = 64;
        cr_expect_not(far_code_branches_to(&root, getpid(), 3, &target), "no such memory");
        target.ip = UINT64_MAX - 64;
        cr_expect_not(far_code_branches_to(&root, getpid(), 3, &target), "no such memory");
        system_root_close(&root);
}
