/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/attribute.h"

#include <criterion/criterion.h>

#include "common.h"
#include "observe/skid.h"

/* A stretch of instructions to fill the window before the interesting ones: mov %r10,%r11; nop. */
#define FILL4  "\x4d\x89\xd3\x90"
#define FILL16 FILL4 FILL4 FILL4 FILL4
#define FILL32 FILL16 FILL16

typedef struct Row {
        const char *name;
        const char *before;
        size_t n_before;
        const char *after;
        size_t n_after;
        SkidModel model;
        AttributeRule rule;
        bool waited;
        unsigned n, unknown;
        uint64_t address[4];
} Row;

#define CODE(text) text, sizeof(text) - 1

/* clang-format off */
static const Row rows[] = {
        { "rule 0: rep movsb with a count left",
          CODE(FILL32), CODE("\xf3\xa4" "\xc3"), SKID_AFTER,
          RULE_REP, true, 2, 0, { 0x6000600, 0x5000500 } },
        { "rule 1: mov (%rax),%rdx ends at ip; add %rdx,%rcx follows",
          CODE(FILL32 "\x48\x8b\x10"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x1000100 } },
        { "rule 1: push %rax ends at ip",
          CODE(FILL32 "\x50"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x7fff0000 } },
        { "rule 1: pop %rax ends at ip",
          CODE(FILL32 "\x58"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x7fff0000 - 8 } },
        { "rule 1: movsq ends at ip",
          CODE(FILL32 "\x48\xa5"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 2, 0, { 0x6000600 - 8, 0x5000500 - 8 } },
        { "chase: mov (%rax),%rax overwrote its address; dec %rcx; jnz to it: its next use",
          CODE(FILL32 "\x48\x8b\x00"), CODE("\x48\xff\xc9\x75\xf8\xc3"), SKID_AFTER,
          RULE_FORWARD, false, 1, 0, { 0x1000100 } },
        { "rule 2: nothing before; mov (%rsi),%rdx at ip",
          CODE(FILL32), CODE("\x48\x8b\x16\xc3"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x5000500 } },
        { "ip behind jmp: not fallen through from the access before it",
          CODE(FILL32 "\x48\x8b\x10\xeb\x40"), CODE("\x48\x8b\x16\xc3"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x5000500 } },
        { "ip is the head of a loop: mov (%rsi),%rdx; jmp to it",
          CODE(FILL32 "\x48\x8b\x10"), CODE("\x48\x8b\x16\xeb\xfb"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x5000500 } },
        { "ip is the target of a branch before it: jne ip; mov (%rax),%rdx",
          CODE(FILL32 "\x75\x03\x48\x8b\x10"), CODE("\x48\x8b\x16\xc3"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x5000500 } },
        { "rule 1: cmp (%rax),%rdx fused with je, not taken",
          CODE(FILL32 "\x48\x3b\x10\x74\x10"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x1000100 } },
        { "rule 1: the same, taken: cmp (%rax),%rdx; jne ip; inc %rcx",
          CODE(FILL32 "\x48\x3b\x10\x75\x03\x48\xff\xc1"), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x1000100 } },
        { "rule 1: the head of a loop that ends in cmp (%rax),%rdx; jne",
          CODE(FILL32), CODE("\x48\x01\xd1\x48\x3b\x10\x75\xf8\xc3"), SKID_AFTER,
          RULE_PREVIOUS, true, 1, 0, { 0x1000100 } },
        { "either of two: cmp (%rax),%rdx; jne ip; mov (%rbx),%rcx",
          CODE(FILL32 "\x48\x3b\x10\x75\x03\x48\x8b\x0b"), CODE("\x48\x8b\x16\xc3"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x5000500 } },
        { "rule 3: lea 0x10(%rsi,%rcx,8),%rdi; shl $4,%rcx; mov (%rdi,%rcx),%rax",
          CODE(FILL32), CODE("\x48\x8d\x7c\xce\x10" "\x48\xc1\xe1\x04" "\x48\x8b\x04\x0f"),
          SKID_AFTER, RULE_FORWARD, false, 1, 0, { 0x5000500 + 16 + 16 + 32 } },
        { "rule 3 through a taken branch: cmp $2,%rcx; je +2; ud2; mov (%rbx),%rax",
          CODE(FILL32), CODE("\x48\x83\xf9\x02\x74\x02\x0f\x0b\x48\x8b\x03"), SKID_AFTER,
          RULE_FORWARD, false, 1, 0, { 0x3000300 } },
        { "rule 3 ends at ret's stack read",
          CODE(FILL32), CODE("\x48\x01\xd1\xc3"), SKID_AFTER,
          RULE_FORWARD, false, 1, 0, { 0x7fff0000 } },
        { "rule 2: a gather tells its base",
          CODE(FILL32), CODE("\xc4\xe2\xed\x92\x04\xc8"), SKID_AFTER,
          RULE_NEXT, false, 1, 0, { 0x1000100 } },
        { "no address: syscall",
          CODE(FILL32), CODE("\x0f\x05"), SKID_AFTER, RULE_NO_ADDRESS, false, 0, 0, {} },
        { "no skid: two loads, one through the loaded pointer, a store, a branch",
          CODE(FILL32 "\x48\x8b\x10"),
          CODE("\x48\x8b\x06"         /* mov (%rsi),%rax */
               "\x48\x8b\x00"         /* mov (%rax),%rax: unknown */
               "\x48\x89\x17"         /* mov %rdx,(%rdi) */
               "\x75\xf0"             /* jne */
               "\x48\x8b\x03"), SKID_NONE,
          RULE_BLOCK, true, 2, 1, { 0x5000500, 0x6000600 } },
        { "no skid: a block without accesses that jumps out of what was captured",
          CODE(FILL32), CODE("\x48\x01\xd1\xeb\x80"), SKID_NONE, RULE_NO_ADDRESS, true, 0, 0, {} },
        { "no skid: on through a branch that is known, to an address that is not",
          CODE(FILL32),
          CODE("\x48\x83\xf9\x02\x74\x02\x0f\x0b" /* cmp $2,%rcx; je over ud2 */
               "\x48\x8b\x06"                     /* mov (%rsi),%rax */
               "\x48\x89\x17"                     /* mov %rdx,(%rdi) */
               "\x48\x8b\x00"                     /* mov (%rax),%rax: unknown, the end */
               "\x48\x89\x13"), SKID_NONE,       /* mov %rdx,(%rbx) */
          RULE_BLOCK, true, 2, 0, { 0x5000500, 0x6000600 } },
        { "no skid: a branch that depends on memory ends it: cmp (%rsi),%rax; jne; mov (%rbx),%rax",
          CODE(FILL32), CODE("\x48\x3b\x06\x75\x00\x48\x8b\x03"), SKID_NONE,
          RULE_BLOCK, true, 1, 0, { 0x5000500 } },
        { "no skid: a loop: mov (%rsi),%rax; dec %rcx; jnz to it; mov (%rbx),%rax; ret",
          CODE(FILL32), CODE("\x48\x8b\x06\x48\xff\xc9\x75\xf8\x48\x8b\x03\xc3"), SKID_NONE,
          RULE_BLOCK, true, 4, 0, { 0x5000500, 0x5000500, 0x3000300, 0x7fff0000 } },
};
/* clang-format on */

Test(attribute, rules) {
        for (size_t i = 0; i < N(rows); i++) {
                const Row *row = &rows[i];
                CpuState s = test_state();
                Attribution a;
                TestCode code;

                test_code(&code, row->before, row->n_before, row->after, row->n_after);
                attribute_sample(&s, &code.window, row->model, &a);
                cr_expect_eq(a.rule, row->rule, "%s: rule %s", row->name,
                             attribute_rule_to_string(a.rule));
                cr_expect_eq(a.waited, row->waited, "%s: waited", row->name);
                cr_expect_eq(a.unknown, row->unknown, "%s: %u unknown", row->name, a.unknown);
                cr_assert_eq(a.n, row->n, "%s: %u addresses", row->name, a.n);
                for (unsigned k = 0; k < a.n; k++)
                        cr_expect_eq(a.address[k], row->address[k], "%s: %#llx", row->name,
                                     (unsigned long long)a.address[k]);
        }
}

/* Without code, or with code on one side only, nothing is guessed. */
Test(attribute, partial_windows) {
        CpuState s = test_state();
        Attribution a;
        TestCode code;

        test_code(&code, FILL32 "\x48\x8b\x10", 35, "", 0);
        attribute_sample(&s, &code.window, SKID_AFTER, &a);
        cr_expect_eq(a.rule, RULE_PREVIOUS);
        test_code(&code, "", 0, "\x48\x8b\x16\xc3", 4);
        attribute_sample(&s, &code.window, SKID_AFTER, &a);
        cr_expect_eq(a.rule, RULE_NEXT);
        test_code(&code, "", 0, "", 0);
        attribute_sample(&s, &code.window, SKID_AFTER, &a);
        cr_expect_eq(a.rule, RULE_NO_ADDRESS);
        attribute_sample(&s, &code.window, SKID_NONE, &a);
        cr_expect_eq(a.rule, RULE_NO_ADDRESS);
}

/* The captured code belongs to whoever was interrupted: any bytes, any registers. */
Test(attribute, hostile_bytes) {
        uint64_t x = 88172645463325252ull;

        for (int i = 0; i < 100000; i++) {
                SampleRecord record = { .version = RECORD_VERSION };
                unsigned char *bytes = (unsigned char *)&record;
                Attribution a;
                CodeWindow window;
                CpuState s;

                for (size_t k = 0; k < sizeof(record); k++) {
                        x ^= x << 13;
                        x ^= x >> 7;
                        x ^= x << 17;
                        bytes[k] = (unsigned char)(x >> 32);
                }
                cpu_state_from_record(&s, &window, &record);
                cr_assert(window.before <= CODE_BEFORE_BYTES && window.after <= CODE_AFTER_BYTES);
                for (int model = 0; model < SKID_MODEL_MAX; model++) {
                        attribute_sample(&s, &window, (SkidModel)model, &a);
                        cr_assert(a.n <= ATTRIBUTION_MAX);
                        cr_assert_eq(a.n > 0, a.rule != RULE_NO_ADDRESS);
                        for (unsigned k = 0; k < a.n; k++)
                                cr_assert(a.address[k] < 1ull << 56);
                }
        }
}

/* Windows of 300 places: at `starts` percent of them, behind a jump. */
static int calibrate(unsigned starts, SkidModel *ret, unsigned *ret_percent) {
        SkidCalibration c = {};
        TestCode code;

        for (unsigned i = 0; i < 300; i++) {
                bool jump = i % 100 < starts;

                test_code(&code, jump ? FILL32 "\xeb\x40" : FILL32, jump ? 34 : 32,
                          "\x48\x8b\x16\x90\x90\xc3", 6);
                code.window.ip = IP + 16 * i;
                for (int again = 0; again < 5; again++)
                        skid_learn(&c, &code.window);
                if (i == 100)
                        cr_expect_eq(skid_conclude(&c, ret, ret_percent), 0, "too few places");
        }
        return skid_conclude(&c, ret, ret_percent);
}

Test(skid, calibration) {
        unsigned percent;
        SkidModel model;

        cr_assert_eq(calibrate(8, &model, &percent), 1);
        cr_expect_eq(model, SKID_AFTER);
        cr_expect(percent >= 6 && percent <= 10, "%u %%", percent);
        cr_assert_eq(calibrate(80, &model, &percent), 1);
        cr_expect_eq(model, SKID_NONE);
        cr_expect(percent >= 77 && percent <= 83, "%u %%", percent);
}
