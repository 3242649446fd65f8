/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/execute.h"

#include <criterion/criterion.h>
#include <sys/mman.h>

#include "common.h"

/* Each instruction runs on this processor too, from random registers and flags; whatever the
 * evaluator claims to know afterwards must be what the processor did. */

typedef struct Machine {
        uint64_t gpr[GPR_MAX];
        uint64_t flags;
} Machine;

/* Loads the machine (all but rsp and r15, which points to it), runs 32 bytes that are patched in,
 * and stores it. */
__asm__(".pushsection .text\n"
        "frame_begin:\n"
        "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rdi,%r15\n"
        "pushq 128(%r15)\npopfq\n"
        "mov 0(%r15),%rax\nmov 8(%r15),%rcx\nmov 16(%r15),%rdx\nmov 24(%r15),%rbx\n"
        "mov 40(%r15),%rbp\nmov 48(%r15),%rsi\nmov 56(%r15),%rdi\nmov 64(%r15),%r8\n"
        "mov 72(%r15),%r9\nmov 80(%r15),%r10\nmov 88(%r15),%r11\nmov 96(%r15),%r12\n"
        "mov 104(%r15),%r13\nmov 112(%r15),%r14\n"
        "frame_slot:\n.fill 32,1,0x90\n"
        "mov %rax,0(%r15)\nmov %rcx,8(%r15)\nmov %rdx,16(%r15)\nmov %rbx,24(%r15)\n"
        "mov %rbp,40(%r15)\nmov %rsi,48(%r15)\nmov %rdi,56(%r15)\nmov %r8,64(%r15)\n"
        "mov %r9,72(%r15)\nmov %r10,80(%r15)\nmov %r11,88(%r15)\nmov %r12,96(%r15)\n"
        "mov %r13,104(%r15)\nmov %r14,112(%r15)\n"
        "pushfq\npopq 128(%r15)\ncld\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n"
        "frame_end:\n"
        ".popsection\n");
extern const uint8_t frame_begin[], frame_slot[], frame_end[];

#define SLOT_BYTES 32

typedef void (*RunMachine)(Machine *);

static uint8_t *page;

static void setup(void) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
        cr_assert_neq(page, MAP_FAILED);
        memcpy(page, frame_begin, (size_t)(frame_end - frame_begin));
}

static void run_native(Machine *m, const char *bytes, size_t n) {
        uint8_t *slot = page + (frame_slot - frame_begin);

        memset(slot, 0x90, SLOT_BYTES);
        memcpy(slot, bytes, n);
        ((RunMachine)page)(m);
}

static uint64_t next_random(void) {
        static uint64_t x = 0x2545f4914f6cdd1dull;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        return x;
}

/* Small, large, around sign changes and anything. */
static uint64_t random_value(void) {
        uint64_t r = next_random();

        switch (r % 6) {
        case 0:
                return r >> 60;
        case 1:
                return (uint64_t)0 - (r >> 60);
        case 2:
                return (1ull << (r >> 58)) - (r >> 32 & 1);
        case 3:
                return (uint32_t)(r >> 8);
        default:
                return next_random();
        }
}

typedef struct Row {
        const char *text;
        const char *bytes;
        size_t n_bytes;
        bool partial; /* some results are legitimately unknown */
} Row;

/* clang-format off */
static const Row rows[] = {
        { "add %rcx,%rax", "\x48\x01\xc8", 3, false },
        { "add %ecx,%eax", "\x01\xc8", 2, false },
        { "add %cx,%ax", "\x66\x01\xc8", 3, false },
        { "add %cl,%al", "\x00\xc8", 2, false },
        { "add %ch,%al", "\x00\xe8", 2, false },
        { "add %al,%ah", "\x00\xc4", 2, false },
        { "adc %rcx,%rax", "\x48\x11\xc8", 3, false },
        { "adc %cl,%al", "\x10\xc8", 2, false },
        { "sub %rcx,%rax", "\x48\x29\xc8", 3, false },
        { "sub %ecx,%eax", "\x29\xc8", 2, false },
        { "sub $0x7f,%al", "\x2c\x7f", 2, false },
        { "sbb %rcx,%rax", "\x48\x19\xc8", 3, false },
        { "sbb %eax,%eax", "\x19\xc0", 2, false },
        { "cmp %rcx,%rax", "\x48\x39\xc8", 3, false },
        { "cmp %cx,%ax", "\x66\x39\xc8", 3, false },
        { "and %rcx,%rax", "\x48\x21\xc8", 3, false },
        { "and $0xfffffffffffffff0,%rsi", "\x48\x83\xe6\xf0", 4, false },
        { "or %ecx,%eax", "\x09\xc8", 2, false },
        { "xor %rcx,%rax", "\x48\x31\xc8", 3, false },
        { "xor %eax,%eax", "\x31\xc0", 2, false },
        { "xor %r9,%r9", "\x4d\x31\xc9", 3, false },
        { "test %rax,%rcx", "\x48\x85\xc1", 3, false },
        { "test %al,%al", "\x84\xc0", 2, false },
        { "inc %rax", "\x48\xff\xc0", 3, false },
        { "inc %cl", "\xfe\xc1", 2, false },
        { "dec %rcx", "\x48\xff\xc9", 3, false },
        { "dec %edx", "\xff\xca", 2, false },
        { "neg %rax", "\x48\xf7\xd8", 3, false },
        { "neg %cl", "\xf6\xd9", 2, false },
        { "not %rdx", "\x48\xf7\xd2", 3, false },
        { "not %dx", "\x66\xf7\xd2", 3, false },
        { "shl $0x3,%rax", "\x48\xc1\xe0\x03", 4, false },
        { "shl $0x1,%rax", "\x48\xd1\xe0", 3, false },
        { "shl %cl,%rax", "\x48\xd3\xe0", 3, false },
        { "shl %cl,%eax", "\xd3\xe0", 2, false },
        { "shl %cl,%al", "\xd2\xe0", 2, false },
        { "shr $0x1,%rdx", "\x48\xd1\xea", 3, false },
        { "shr %cl,%rdx", "\x48\xd3\xea", 3, false },
        { "shr %cl,%dx", "\x66\xd3\xea", 3, false },
        { "sar %cl,%rax", "\x48\xd3\xf8", 3, false },
        { "sar %cl,%al", "\xd2\xf8", 2, false },
        { "sar $0x3f,%rdx", "\x48\xc1\xfa\x3f", 4, false },
        { "rol $0x7,%rax", "\x48\xc1\xc0\x07", 4, false },
        { "rol %cl,%eax", "\xd3\xc0", 2, false },
        { "rol %cl,%ax", "\x66\xd3\xc0", 3, false },
        { "ror %cl,%rax", "\x48\xd3\xc8", 3, false },
        { "ror $0x9,%cx", "\x66\xc1\xc9\x09", 4, false },
        { "imul %rcx,%rax", "\x48\x0f\xaf\xc1", 4, false },
        { "imul %ecx,%eax", "\x0f\xaf\xc1", 3, false },
        { "imul $0x11,%rcx,%rax", "\x48\x6b\xc1\x11", 4, false },
        { "imul $0x1234,%cx,%ax", "\x66\x69\xc1\x34\x12", 5, false },
        { "imul %rcx", "\x48\xf7\xe9", 3, false },
        { "mul %rcx", "\x48\xf7\xe1", 3, false },
        { "mul %ecx", "\xf7\xe1", 2, false },
        { "mul %cx", "\x66\xf7\xe1", 3, false },
        { "lea 0x10(%rax,%rcx,8),%rdx", "\x48\x8d\x54\xc8\x10", 5, false },
        { "lea (%rax,%rcx,1),%edx", "\x8d\x14\x08", 3, false },
        { "lea -0x4(%eax),%rdx", "\x67\x48\x8d\x50\xfc", 5, false },
        { "lea (%rax,%rcx,2),%dx", "\x66\x8d\x14\x48", 4, false },
        { "mov %rcx,%rax", "\x48\x89\xc8", 3, false },
        { "mov %ecx,%eax", "\x89\xc8", 2, false },
        { "mov %cx,%ax", "\x66\x89\xc8", 3, false },
        { "mov %ch,%al", "\x88\xe8", 2, false },
        { "mov %al,%ch", "\x88\xc5", 2, false },
        { "mov $0xffffffffffffffff,%rax", "\x48\xc7\xc0\xff\xff\xff\xff", 7, false },
        { "mov $0x12345678,%eax", "\xb8\x78\x56\x34\x12", 5, false },
        { "movabs $0x123456789abcdef0,%r10", "\x49\xba\xf0\xde\xbc\x9a\x78\x56\x34\x12", 10, false },
        { "movzbl %al,%ecx", "\x0f\xb6\xc8", 3, false },
        { "movzwl %ax,%edx", "\x0f\xb7\xd0", 3, false },
        { "movzbl %ah,%ecx", "\x0f\xb6\xcc", 3, false },
        { "movsbq %cl,%rax", "\x48\x0f\xbe\xc1", 4, false },
        { "movswl %cx,%eax", "\x0f\xbf\xc1", 3, false },
        { "movslq %ecx,%rax", "\x48\x63\xc1", 3, false },
        { "movsbl %ah,%edx", "\x0f\xbe\xd4", 3, false },
        { "xchg %rax,%rcx", "\x48\x91", 2, false },
        { "xchg %eax,%ecx", "\x91", 1, false },
        { "xchg %al,%ah", "\x86\xc4", 2, false },
        { "cbtw", "\x66\x98", 2, false },
        { "cwtl", "\x98", 1, false },
        { "cltq", "\x48\x98", 2, false },
        { "cwtd", "\x66\x99", 2, false },
        { "cltd", "\x99", 1, false },
        { "cqto", "\x48\x99", 2, false },
        { "cmove %rcx,%rax", "\x48\x0f\x44\xc1", 4, false },
        { "cmove %ecx,%eax", "\x0f\x44\xc1", 3, false },
        { "cmovb %rcx,%rdx", "\x48\x0f\x42\xd1", 4, false },
        { "cmovg %rcx,%rdx", "\x48\x0f\x4f\xd1", 4, false },
        { "cmovle %ecx,%edx", "\x0f\x4e\xd1", 3, false },
        { "cmovp %rcx,%rdx", "\x48\x0f\x4a\xd1", 4, false },
        { "cmovns %rcx,%rdx", "\x48\x0f\x49\xd1", 4, false },
        { "cmova %rcx,%rdx", "\x48\x0f\x47\xd1", 4, false },
        { "cmovge %rcx,%rdx", "\x48\x0f\x4d\xd1", 4, false },
        { "cmovo %rcx,%rdx", "\x48\x0f\x40\xd1", 4, false },
        { "sete %al", "\x0f\x94\xc0", 3, false },
        { "setb %cl", "\x0f\x92\xc1", 3, false },
        { "setle %dl", "\x0f\x9e\xc2", 3, false },
        { "seta %ah", "\x0f\x97\xc4", 3, false },
        { "cmp %rcx,%rax; setl %dl; movzbl %dl,%edx; lea (%rbx,%rdx,8),%rsi", "\x48\x39\xc8\x0f\x9c\xc2\x0f\xb6\xd2\x48\x8d\x34\xd3", 13, false },
        { "add %rcx,%rax; adc $0,%rdx; cmovc %rbx,%rsi", "\x48\x01\xc8\x48\x83\xd2\x00\x48\x0f\x42\xf3", 11, false },
        { "sub %rcx,%rax; sbb %rbx,%rbx; and %rdx,%rbx", "\x48\x29\xc8\x48\x19\xdb\x48\x21\xd3", 9, false },
        { "shl $5,%rax; xor %rax,%rcx; shr $7,%rcx; imul %rcx,%rdx; and $0xfff,%edx", "\x48\xc1\xe0\x05\x48\x31\xc1\x48\xc1\xe9\x07\x48\x0f\xaf\xd1\x81\xe2\xff\x0f\x00\x00", 21, false },
        { "nop", "\x90", 1, false },
        { "nopw 0x0(%rax,%rax,1)", "\x66\x0f\x1f\x04\x00", 5, false },
        { "endbr64", "\xf3\x0f\x1e\xfa", 4, false },
        { "bswap %rax", "\x48\x0f\xc8", 3, true },
        { "bsf %rcx,%rax", "\x48\x0f\xbc\xc1", 4, true },
        { "popcnt %rcx,%rax", "\xf3\x48\x0f\xb8\xc1", 5, true },
        { "tzcnt %rcx,%rax", "\xf3\x48\x0f\xbc\xc1", 5, true },
        { "bt %rcx,%rax", "\x48\x0f\xa3\xc8", 4, true },
        { "bts $5,%rax", "\x48\x0f\xba\xe8\x05", 5, true },
        { "shld $3,%rcx,%rax", "\x48\x0f\xa4\xc8\x03", 5, true },
        { "rcl $1,%rax", "\x48\xd1\xd0", 3, true },
        { "imul %cl", "\xf6\xe9", 2, true },
        { "mul %cl", "\xf6\xe1", 2, true },
        { "or $1,%rcx; xor %edx,%edx; div %rcx", "\x48\x83\xc9\x01\x31\xd2\x48\xf7\xf1", 9, true },
        { "or $1,%ecx; xor %edx,%edx; div %ecx", "\x83\xc9\x01\x31\xd2\xf7\xf1", 7, true },
        { "or $1,%ecx; cltd; and $0x7fffffff,%eax; cltd; idiv %ecx", "\x83\xc9\x01\x99\x25\xff\xff\xff\x7f\x99\xf7\xf9", 12, true },
        { "xadd %rcx,%rax", "\x48\x0f\xc1\xc8", 4, true },
        { "cmpxchg %rcx,%rax", "\x48\x0f\xb1\xc8", 4, true },
        { "cpuid", "\x0f\xa2", 2, true },
        { "rdtsc", "\x0f\x31", 2, true },
        { "movq %xmm0,%rax", "\x66\x48\x0f\x7e\xc0", 5, true },
        { "andn %rcx,%rdx,%rax", "\xc4\xe2\xe8\xf2\xc1", 5, true },
        { "bextr %rcx,%rdx,%rax", "\xc4\xe2\xf0\xf7\xc2", 5, true },
        { "mulx %rcx,%rdx,%rax", "\xc4\xe2\xeb\xf6\xc1", 5, true },
        { "shlx %rcx,%rdx,%rax", "\xc4\xe2\xf1\xf7\xc2", 5, true },
        { "lahf", "\x9f", 1, true },
        { "sahf", "\x9e", 1, true },
        { "stc", "\xf9", 1, true },
        { "cmc", "\xf5", 1, true },
        { "bsr %ecx,%eax", "\x0f\xbd\xc1", 3, true },
        { "movd %eax,%xmm0; movd %xmm0,%ecx", "\x66\x0f\x6e\xc0\x66\x0f\x7e\xc1", 8, true },
        { "crc32q %rcx,%rax", "\xf2\x48\x0f\x38\xf1\xc1", 6, true },
};
/* clang-format on */

static const uint32_t compared = GPR_ALL_KNOWN & ~(1u << GPR_RSP) & ~(1u << GPR_R15);

static void check_row(const Row *row, int *ret_known) {
        Machine m = { .flags = 0x202 | (next_random() & CPU_FLAGS_STATUS) };
        CpuState s = { .known = GPR_ALL_KNOWN, .flags_known = CPU_FLAGS_ALL, .ip = IP };
        Instruction in;
        TestCode code;

        for (int i = 0; i < GPR_MAX; i++)
                s.gpr[i] = m.gpr[i] = random_value();
        s.flags = m.flags;
        test_code(&code, "", 0, row->bytes, row->n_bytes);
        while (s.ip < IP + row->n_bytes) {
                cr_assert_eq(decode_at(&code.window, s.ip, &in), 0, "%s", row->text);
                cr_assert_neq(cpu_execute(&s, &in), EXECUTE_END, "%s", row->text);
        }
        run_native(&m, row->bytes, row->n_bytes);
        for (int i = 0; i < GPR_MAX; i++)
                if ((s.known & compared) & (1u << i)) {
                        cr_assert_eq(s.gpr[i], m.gpr[i], "%s: register %d is %#llx, not %#llx",
                                     row->text, i, (unsigned long long)m.gpr[i],
                                     (unsigned long long)s.gpr[i]);
                        (*ret_known)++;
                }
        cr_assert_eq(s.flags & s.flags_known & CPU_FLAGS_STATUS,
                     m.flags & s.flags_known & CPU_FLAGS_STATUS,
                     "%s: flags %#llx, not %#llx of %#x", row->text, (unsigned long long)m.flags,
                     (unsigned long long)s.flags, s.flags_known);
}

Test(execute, as_the_processor_does, .init = setup) {
        for (size_t i = 0; i < N(rows); i++)
                for (int k = 0; k < 2000; k++) {
                        int known = 0;

                        check_row(&rows[i], &known);
                        cr_assert(rows[i].partial || known == __builtin_popcount(compared),
                                  "%s: only %d registers known", rows[i].text, known);
                }
}

Test(execute, memory_makes_registers_unknown) {
        CpuState s = test_state();
        Instruction in;
        TestCode code;

        test_code(&code, "", 0, "\x48\x03\x10\x5b", 4); /* add (%rax),%rdx; pop %rbx */
        cr_assert_eq(decode_at(&code.window, IP, &in), 0);
        cr_expect_eq(cpu_execute(&s, &in), EXECUTE_NEXT);
        cr_expect_eq(s.known, GPR_ALL_KNOWN & ~(1u << GPR_RDX));
        cr_expect_eq(s.flags_known & CPU_FLAGS_STATUS, 0u);
        cr_assert_eq(decode_at(&code.window, s.ip, &in), 0);
        cr_expect_eq(cpu_execute(&s, &in), EXECUTE_NEXT);
        cr_expect_eq(s.known, GPR_ALL_KNOWN & ~(1u << GPR_RDX | 1u << GPR_RBX));
        cr_expect_eq(s.gpr[GPR_RSP], 0x7fff0008u);
}

Test(execute, branches) {
        static const struct {
                const char *text, *bytes;
                size_t n;
                uint32_t flags, flags_known;
                ExecuteResult result;
                uint64_t ip;
        } branches[] = {
                { "jmp +0x10", "\xeb\x10", 2, 0, 0, EXECUTE_JUMPED, IP + 0x12 },
                { "je taken", "\x74\xfe", 2, CPU_FLAG_ZF, CPU_FLAG_ZF, EXECUTE_JUMPED, IP },
                { "je not taken", "\x74\xfe", 2, 0, CPU_FLAG_ZF, EXECUTE_NEXT, IP + 2 },
                { "je unknown", "\x74\xfe", 2, 0, CPU_FLAG_CF, EXECUTE_END, IP },
                { "jle by sign", "\x0f\x8e\x10\x00\x00\x00", 6, CPU_FLAG_SF, CPU_FLAGS_STATUS,
                  EXECUTE_JUMPED, IP + 0x16 },
                { "jg by sign", "\x7f\x10", 2, CPU_FLAG_SF | CPU_FLAG_OF, CPU_FLAGS_STATUS,
                  EXECUTE_JUMPED, IP + 0x12 },
                { "loop", "\xe2\xfe", 2, 0, 0, EXECUTE_JUMPED, IP },
                { "jrcxz", "\xe3\x10", 2, 0, 0, EXECUTE_NEXT, IP + 2 },
                { "jmp *%rax", "\xff\xe0", 2, 0, 0, EXECUTE_JUMPED, 0x1000100 },
                { "jmp *(%rax)", "\xff\x20", 2, 0, 0, EXECUTE_END, IP },
                { "call", "\xe8\x10\x00\x00\x00", 5, 0, 0, EXECUTE_JUMPED, IP + 0x15 },
                { "ret", "\xc3", 1, 0, 0, EXECUTE_END, IP },
                { "syscall", "\x0f\x05", 2, 0, 0, EXECUTE_END, IP },
                { "int3", "\xcc", 1, 0, 0, EXECUTE_END, IP },
                { "ud2", "\x0f\x0b", 2, 0, 0, EXECUTE_END, IP },
        };

        for (size_t i = 0; i < N(branches); i++) {
                CpuState s = test_state();
                ExecuteResult result;
                Instruction in;
                TestCode code;

                s.flags = branches[i].flags;
                s.flags_known = branches[i].flags_known;
                test_code(&code, "", 0, branches[i].bytes, branches[i].n);
                cr_assert_eq(decode_at(&code.window, IP, &in), 0);
                result = cpu_execute(&s, &in);
                cr_expect_eq(result, branches[i].result, "%s: result %d", branches[i].text, result);
                cr_expect_eq(s.ip, branches[i].ip, "%s: ip %#llx", branches[i].text,
                             (unsigned long long)s.ip);
        }
}
