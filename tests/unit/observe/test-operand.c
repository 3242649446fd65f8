/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/operand.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "common.h"

typedef struct Row {
        const char *text; /* as GNU as writes it */
        const char *bytes;
        size_t n_bytes;
        unsigned n, unknown;
        uint64_t address[INSTRUCTION_ACCESSES_MAX]; /* in any order */
} Row;

/* clang-format off */
static const Row rows[] = {
        { "mov (%rax),%rdx", "\x48\x8b\x10", 3, 1, 0, { 0x1000100 } },
        { "mov 0x10(%rax),%rdx", "\x48\x8b\x50\x10", 4, 1, 0, { 0x1000110 } },
        { "mov -0x10(%rax,%rcx,8),%edx", "\x8b\x54\xc8\xf0", 4, 1, 0, { 0x1000100 } },
        { "mov (%rax,%rdx,1),%ecx", "\x8b\x0c\x10", 3, 1, 0, { 0x10000f8 } },
        { "mov (,%rcx,4),%eax", "\x8b\x04\x8d\x00\x00\x00\x00", 7, 1, 0, { 0x8 } },
        { "mov 0x1234,%eax", "\x8b\x04\x25\x34\x12\x00\x00", 7, 1, 0, { 0x1234 } },
        { "mov 0x20(%rip),%rax", "\x48\x8b\x05\x20\x00\x00\x00", 7, 1, 0, { IP + 0x27 } },
        { "addl $0x1,0x20(%rip)", "\x83\x05\x20\x00\x00\x00\x01", 7, 1, 0, { IP + 0x27 } },
        { "movabs 0x123456789ab,%al", "\xa0\xab\x89\x67\x45\x23\x01\x00\x00", 9, 1, 0, { 0x123456789ab } },
        { "mov %fs:0x28,%rax", "\x64\x48\x8b\x04\x25\x28\x00\x00\x00", 9, 1, 0, { FS_BASE + 0x28 } },
        { "mov %gs:0x8(%rax),%rdx", "\x65\x48\x8b\x50\x08", 5, 1, 0, { GS_BASE + 0x1000108 } },
        { "mov %ds:(%rax),%rdx", "\x48\x8b\x10", 3, 1, 0, { 0x1000100 } },
        { "mov (%r12),%rdx", "\x49\x8b\x14\x24", 4, 1, 0, { 0xc000c00 } },
        { "mov (%r13),%rdx", "\x49\x8b\x55\x00", 4, 1, 0, { 0xd000d00 } },
        { "mov (%r8,%r15,2),%rdx", "\x4b\x8b\x14\x78", 4, 1, 0, { 0x8000800+2*0xf000f00 } },
        { "mov (%eax,%edx),%ecx", "\x67\x8b\x0c\x10", 4, 1, 0, { 0x10000f8 } },
        { "mov 0x4(%eip),%ecx", "\x67\x8b\x0d\x04\x00\x00\x00", 7, 1, 0, { IP + 0xb } },
        { "mov %fs:(%eax,%edx),%ecx", "\x64\x67\x8b\x0c\x10", 5, 1, 0, { FS_BASE + 0x10000f8 } },
        { "movsb", "\xa4", 1, 2, 0, { 0x5000500, 0x6000600 } },
        { "movsq", "\x48\xa5", 2, 2, 0, { 0x5000500, 0x6000600 } },
        { "rep movsb", "\xf3\xa4", 2, 2, 0, { 0x5000500, 0x6000600 } },
        { "rep stosq", "\xf3\x48\xab", 3, 1, 0, { 0x6000600 } },
        { "lodsl", "\xad", 1, 1, 0, { 0x5000500 } },
        { "lodsb %fs:(%rsi),%al", "\x64\xac", 2, 1, 0, { FS_BASE + 0x5000500 } },
        { "scasb", "\xae", 1, 1, 0, { 0x6000600 } },
        { "repe cmpsb", "\xf3\xa6", 2, 2, 0, { 0x5000500, 0x6000600 } },
        { "movsd (%rax),%xmm0", "\xf2\x0f\x10\x00", 4, 1, 0, { 0x1000100 } },
        { "push %rax", "\x50", 1, 1, 0, { 0x7fff0000-8 } },
        { "pushw %ax", "\x66\x50", 2, 1, 0, { 0x7fff0000-2 } },
        { "push 0x8(%rsp)", "\xff\x74\x24\x08", 4, 2, 0, { 0x7fff0008, 0x7fff0000-8 } },
        { "pushq $0x5", "\x6a\x05", 2, 1, 0, { 0x7fff0000-8 } },
        { "pushfq", "\x9c", 1, 1, 0, { 0x7fff0000-8 } },
        { "pop %rax", "\x58", 1, 1, 0, { 0x7fff0000 } },
        { "popq 0x8(%rsp)", "\x8f\x44\x24\x08", 4, 2, 0, { 0x7fff0010, 0x7fff0000 } },
        { "popq 0x8(%rax)", "\x8f\x40\x08", 3, 2, 0, { 0x1000108, 0x7fff0000 } },
        { "call .+0x20", "\xe8\x1b\x00\x00\x00", 5, 1, 0, { 0x7fff0000-8 } },
        { "call *0x8(%rax)", "\xff\x50\x08", 3, 2, 0, { 0x1000108, 0x7fff0000-8 } },
        { "call *%rax", "\xff\xd0", 2, 1, 0, { 0x7fff0000-8 } },
        { "jmp *(%rax,%rcx,8)", "\xff\x24\xc8", 3, 1, 0, { 0x1000110 } },
        { "ret", "\xc3", 1, 1, 0, { 0x7fff0000 } },
        { "ret $0x8", "\xc2\x08\x00", 3, 1, 0, { 0x7fff0000 } },
        { "leave", "\xc9", 1, 1, 0, { 0x7fff0100 } },
        { "xlat", "\xd7", 1, 1, 0, { 0x3000300 } },
        { "bt %rsi,(%rax)", "\x48\x0f\xa3\x30", 4, 1, 0, { 0x1000100+(0x5000500 >> 6)*8 } },
        { "bts %rdx,(%rax)", "\x48\x0f\xab\x10", 4, 1, 0, { 0x1000100-8 } },
        { "btl $0x25,(%rax)", "\x0f\xba\x20\x25", 4, 1, 0, { 0x1000100 } },
        { "bt %edx,(%rax)", "\x0f\xa3\x10", 3, 1, 0, { 0x1000100-4 } },
        { "lock cmpxchg16b (%rsi)", "\xf0\x48\x0f\xc7\x0e", 5, 1, 0, { 0x5000500 } },
        { "xchg %rax,(%rdi)", "\x48\x87\x07", 3, 1, 0, { 0x6000600 } },
        { "vmovdqu (%rax),%ymm1", "\xc5\xfe\x6f\x08", 4, 1, 0, { 0x1000100 } },
        { "vaddpd 0x40(%rax,%rcx,8),%ymm1,%ymm2", "\xc5\xf5\x58\x54\xc8\x40", 6, 1, 0, { 0x1000150 } },
        { "maskmovdqu %xmm1,%xmm0", "\x66\x0f\xf7\xc1", 4, 1, 0, { 0x6000600 } },
        { "movdir64b (%rcx),%rax", "\x66\x0f\x38\xf8\x01", 5, 2, 0, { 0x2, 0x1000100 } },
        { "cmpq $0x0,(%rbx)", "\x48\x83\x3b\x00", 4, 1, 0, { 0x3000300 } },
        { "fldl 0x8(%rax)", "\xdd\x40\x08", 3, 1, 0, { 0x1000108 } },
        { "movnti %rax,(%rdi)", "\x48\x0f\xc3\x07", 4, 1, 0, { 0x6000600 } },
        { "lea 0x10(%rax),%rdx", "\x48\x8d\x50\x10", 4, 0, 0, {  } },
        { "nopw 0x0(%rax,%rax,1)", "\x66\x0f\x1f\x04\x00", 5, 0, 0, {  } },
        { "prefetcht0 (%rax)", "\x0f\x18\x08", 3, 0, 0, {  } },
        { "prefetchw (%rax)", "\x0f\x0d\x08", 3, 0, 0, {  } },
        { "clflush (%rax)", "\x0f\xae\x38", 3, 0, 0, {  } },
        { "clflushopt (%rax)", "\x66\x0f\xae\x38", 4, 0, 0, {  } },
        { "endbr64", "\xf3\x0f\x1e\xfa", 4, 0, 0, {  } },
        { "add %rax,%rdx", "\x48\x01\xc2", 3, 0, 0, {  } },
        { "vzeroupper", "\xc5\xf8\x77", 3, 0, 0, {  } },
        { "syscall", "\x0f\x05", 2, 0, 0, {  } },
        { "vgatherdpd %ymm2,(%rax,%xmm1,8),%ymm0", "\xc4\xe2\xed\x92\x04\xc8", 6, 1, 0, { 0x1000100 } },
};
/* clang-format on */

static int compare_addresses(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

Test(operand, every_addressing_form) {
        for (size_t i = 0; i < N(rows); i++) {
                uint64_t want[INSTRUCTION_ACCESSES_MAX];
                Accesses got;
                CpuState s = test_state();
                Instruction in;
                TestCode code;

                test_code(&code, "", 0, rows[i].bytes, rows[i].n_bytes);
                cr_assert_eq(decode_at(&code.window, IP, &in), 0, "%s: not decoded", rows[i].text);
                cr_expect_eq(in.next_ip, IP + rows[i].n_bytes, "%s: length %d", rows[i].text,
                             in.info->length);
                instruction_accesses(&s, &in, &got);
                cr_assert_eq(got.n, rows[i].n, "%s: %u addresses", rows[i].text, got.n);
                cr_expect_eq(got.unknown, rows[i].unknown, "%s: %u unknown", rows[i].text,
                             got.unknown);
                cr_expect_eq(got.mapping, strstr(rows[i].text, "gather") ? 1u : 0u, "%s: mapping",
                             rows[i].text);
                memcpy(want, rows[i].address, sizeof(want));
                qsort(got.address, got.n, sizeof(*got.address), compare_addresses);
                qsort(want, got.n, sizeof(*want), compare_addresses);
                for (unsigned k = 0; k < got.n; k++)
                        cr_expect_eq(got.address[k], want[k], "%s: %#llx, expected %#llx",
                                     rows[i].text, (unsigned long long)got.address[k],
                                     (unsigned long long)want[k]);
        }
}

/* With any register of an address unknown, no address is told. */
Test(operand, unknown_registers) {
        for (size_t i = 0; i < N(rows); i++) {
                CpuState s = test_state();
                Accesses got;
                Instruction in;
                TestCode code;

                s.known = 0;
                s.bases_known = false;
                test_code(&code, "", 0, rows[i].bytes, rows[i].n_bytes);
                cr_assert_eq(decode_at(&code.window, IP, &in), 0);
                instruction_accesses(&s, &in, &got);
                cr_expect_eq(got.n + got.unknown, rows[i].n + rows[i].unknown, "%s", rows[i].text);
                for (unsigned k = 0; k < got.n; k++)
                        cr_expect(got.address[k] == 0x1234 || got.address[k] == 0x123456789ab ||
                                          (got.address[k] >= IP && got.address[k] < IP + 0x40),
                                  "%s: %#llx although no register is known", rows[i].text,
                                  (unsigned long long)got.address[k]);
        }
}

Test(operand, kernel_addresses_are_refused) {
        CpuState s = test_state();
        Accesses got;
        Instruction in;
        TestCode code;

        s.gpr[GPR_RAX] = 0xffffffff81000000;
        test_code(&code, "", 0, "\x48\x8b\x10", 3);
        cr_assert_eq(decode_at(&code.window, IP, &in), 0);
        instruction_accesses(&s, &in, &got);
        cr_expect_eq(got.n, 0u);
        cr_expect_eq(got.unknown, 1u);
}

/* cut off by the end of the window; no instruction; outside */
Test(operand, decode_errors) {
        Instruction in;
        TestCode code;

        test_code(&code, "", 0, "\x48\x8b", 2);
        cr_expect_eq(decode_at(&code.window, IP, &in), -ENODATA);
        cr_expect_eq(decode_at(&code.window, IP + 2, &in), -ENODATA);
        cr_expect_eq(decode_at(&code.window, IP - 1, &in), -ENODATA);
        test_code(&code, "", 0, "\x06\x90", 2);
        cr_expect_eq(decode_at(&code.window, IP, &in), -EBADMSG);
}
