/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/arrival.h"
#include "observe/attribute.h"
#include "observe/decode.h"
#include "observe/execute.h"
#include "observe/far_code.h"
#include "observe/operand.h"
#include "observe/refute.h"
#include "system/root.h"

/* Compares the evaluator with real programs, executed one instruction at a time under ptrace:
 *   step-oracle STEPS LIMIT_PERCENT PROGRAM [ARGUMENTS]
 * operand   the memory at the address told for a load holds what the register then got, and for a
 *           store holds what the register had
 * forward   from each state the next accesses are predicted; when the program gets there, the
 *           instruction pointer and the addresses must be those predicted
 * refuted   what was executed is never told to be impossible by the state behind it
 * previous  when rule 1 says which access was made last, it must have been the last one
 * Each must be right in LIMIT_PERCENT of the cases. What was wrong is listed by instruction, and how
 * many of the accesses were predicted at all. Exits 77 when tracing is not permitted. */

#define MISSES_MAX 256

/* Wrong cases that are alike. */
typedef struct Miss {
        const char *what;
        ZydisMnemonic executed, told;
        unsigned long n;
} Miss;

typedef struct Score {
        const char *name;
        unsigned long right, wrong;
        unsigned long possible; /* cases there were; in the others nothing was told */
        Miss misses[MISSES_MAX];
        unsigned n_misses;
} Score;

typedef struct Prediction {
        unsigned long step; /* 0: none */
        uint64_t ip;
        Accesses accesses;
} Prediction;

#define AHEAD 64

typedef struct Oracle {
        pid_t pid;
        SystemRoot root;
        unsigned long step;
        Prediction ahead[AHEAD]; /* by step */
        Score operand, forward, refuted, previous;
        ZydisMnemonic executed; /* by the last step */
        bool signalled;         /* the last step delivered a signal */
} Oracle;

static void score(Score *s, bool right, const char *what, ZydisMnemonic executed,
                  ZydisMnemonic told) {
        unsigned i = 0;

        if (right) {
                s->right++;
                return;
        }
        s->wrong++;
        while (i < s->n_misses && (s->misses[i].what != what || s->misses[i].told != told ||
                                   s->misses[i].executed != executed))
                i++;
        if (i == MISSES_MAX)
                return;
        if (i == s->n_misses)
                s->misses[s->n_misses++] = (Miss) { what, executed, told, 0 };
        s->misses[i].n++;
}

static size_t read_memory(pid_t pid, uint64_t address, void *buffer, size_t n) {
        struct iovec local = { buffer, n }, remote = { (void *)(uintptr_t)address, n };
        ssize_t r = process_vm_readv(pid, &local, 1, &remote, 1, 0);

        return r < 0 ? 0 : (size_t)r;
}

/* The sample that the clock source would have taken here. */
static bool capture(pid_t pid, SampleRecord *ret) {
        struct user_regs_struct r;

        if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
                return false;
        *ret = (SampleRecord) {
                .version = RECORD_VERSION,
                .gpr = { r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10,
                         r.r11, r.r12, r.r13, r.r14, r.r15 },
                .ip = r.rip,
                .flags = r.eflags,
                .fs_base = r.fs_base,
                .gs_base = r.gs_base,
        };
        ret->code_after =
                (uint8_t)read_memory(pid, r.rip, ret->code + CODE_BEFORE_BYTES, CODE_AFTER_BYTES);
        if (read_memory(pid, r.rip - CODE_BEFORE_BYTES, ret->code, CODE_BEFORE_BYTES) ==
            CODE_BEFORE_BYTES)
                ret->code_before = CODE_BEFORE_BYTES;
        return true;
}

static bool same_accesses(const Accesses *a, const Accesses *b) {
        return a->n == b->n && memcmp(a->address, b->address, a->n * sizeof(a->address[0])) == 0;
}

/* Predicts the accesses from this state on; what was predicted for a step before must agree with
 * what is predicted for it later, so only the first prediction is kept. */
static void predict(Oracle *o, const CpuState *now, const CodeWindow *w) {
        CpuState s = *now;
        Instruction in;

        for (unsigned k = 0; k < AHEAD - 1; k++) {
                Prediction *p = &o->ahead[(o->step + k) % AHEAD];
                Accesses a;

                if (decode_at(w, s.ip, &in) < 0 || instruction_is_rep(&in))
                        return;
                instruction_accesses(&s, &in, &a);
                if (k > 0 && p->step != o->step + k)
                        *p = (Prediction) { o->step + k, s.ip, a };
                if (cpu_execute(&s, &in) == EXECUTE_END)
                        return;
        }
}

/* The real state at a step for which there was a prediction. Registers that had become unknown make
 * addresses unknown; those that were told must be right. */
static void check_prediction(Oracle *o, const CpuState *s, const Instruction *in,
                             const Accesses *real) {
        Prediction *p = &o->ahead[o->step % AHEAD];
        bool is_there = p->step == o->step;

        if (real->n > 0)
                o->forward.possible++;
        p->step = 0;
        if (!is_there)
                return;
        if (p->ip != s->ip)
                score(&o->forward, false, "control went elsewhere than predicted", o->executed,
                      in->info->mnemonic);
        else if (p->accesses.n > 0 && p->accesses.unknown == 0)
                score(&o->forward, same_accesses(&p->accesses, real), "another address",
                      o->executed, in->info->mnemonic);
}

/* mov between a general-purpose register of 64 bits and memory. */
static bool is_plain_mov(const Instruction *in, const Accesses *a, unsigned *ret_register,
                         bool *ret_store) {
        unsigned memory = in->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1;
        const ZydisDecodedOperand *other = &in->operands[1 - memory];
        int number;

        if (in->info->mnemonic != ZYDIS_MNEMONIC_MOV || a->n != 1 || a->unknown > 0 ||
            in->info->operand_width != 64 || other->type != ZYDIS_OPERAND_TYPE_REGISTER)
                return false;
        number = register_number(other->reg.value);
        if (number < 0)
                return false;
        *ret_register = (unsigned)number;
        *ret_store = memory == 0;
        return true;
}

/* After the step: did the memory at the address take part? Zero is everywhere and proves nothing. */
static void check_operand(Oracle *o, unsigned number, bool store, uint64_t address,
                          uint64_t memory_before, const SampleRecord *after, uint64_t before) {
        uint64_t memory;

        if (store) {
                if (before == 0 || read_memory(o->pid, address, &memory, 8) != 8)
                        return;
                score(&o->operand, memory == before, "store", ZYDIS_MNEMONIC_MOV,
                      ZYDIS_MNEMONIC_MOV);
        } else if (after->gpr[number] != 0) {
                score(&o->operand, after->gpr[number] == memory_before, "load", ZYDIS_MNEMONIC_MOV,
                      ZYDIS_MNEMONIC_MOV);
        }
}

/* Rule 1, as the clock source applies it, against the access made last. */
static void check_previous(Oracle *o, const CpuState *s, CodeWindow *w, const Accesses *last,
                           bool last_step_accessed) {
        Attribution a;
        Accesses told;
        Instruction in;

        if (last->n == 0)
                return;
        o->previous.possible += last_step_accessed;
        attribute_sample(s, w, SKID_AFTER, &a);
        if (a.rule == RULE_PREVIOUS) {
                w->far_branch = far_code_branches_to(&o->root, o->pid, 0, w);
                if (w->far_branch)
                        attribute_sample(s, w, SKID_AFTER, &a);
        }
        if (a.rule != RULE_PREVIOUS || a.unknown > 0 || arrival_previous(w, s, &in) < 0)
                return;
        told = (Accesses) { .n = a.n < INSTRUCTION_ACCESSES_MAX ? a.n : INSTRUCTION_ACCESSES_MAX };
        memcpy(told.address, a.address, told.n * sizeof(told.address[0]));
        score(&o->previous, same_accesses(&told, last), "another access was the last", o->executed,
              in.info->mnemonic);
}

static void check_refuted(Oracle *o, const CodeWindow *before, const SampleRecord *after) {
        Instruction in;
        CodeWindow w;
        CpuState s;

        if (decode_at(before, before->ip, &in) < 0 || in.next_ip != after->ip)
                return;
        cpu_state_from_record(&s, &w, after);
        score(&o->refuted, !instruction_refuted(&s, &in), "refuted", in.info->mnemonic,
              in.info->mnemonic);
}

/* Executes one instruction. A signal that arrives before it goes to the program, whose handler is no
 * continuation of what was executed. */
static bool step(Oracle *o) {
        int status, deliver = 0;

        o->signalled = false;
        for (;;) {
                if (ptrace(PTRACE_SINGLESTEP, o->pid, NULL, (void *)(intptr_t)deliver) < 0 ||
                    waitpid(o->pid, &status, 0) < 0 || !WIFSTOPPED(status))
                        return false;
                if (WSTOPSIG(status) == SIGTRAP)
                        return true;
                deliver = WSTOPSIG(status);
                o->signalled = true;
        }
}

/* What one instruction is about to do, for comparing afterwards. */
typedef struct Expected {
        bool plain, store;
        unsigned number;
        uint64_t before, memory_before;
} Expected;

static Expected expect_operand(const Oracle *o, const Instruction *in, const Accesses *real,
                               const SampleRecord *record) {
        Expected e = {};

        e.plain = is_plain_mov(in, real, &e.number, &e.store);
        if (!e.plain)
                return e;
        e.before = record->gpr[e.number];
        e.plain = e.store || read_memory(o->pid, real->address[0], &e.memory_before, 8) == 8;
        return e;
}

static void trace(Oracle *o, unsigned long steps) {
        bool last_step_accessed = false, compared = false;
        SampleRecord record, after;
        Accesses last = {}, real;
        Instruction in;
        CodeWindow w;
        CpuState s;

        if (!capture(o->pid, &record))
                return;
        for (o->step = 1; o->step <= steps; o->step++, record = after) {
                ZydisMnemonic mnemonic;
                Expected expected;
                bool branches;

                cpu_state_from_record(&s, &w, &record);
                if (!o->signalled)
                        check_previous(o, &s, &w, &last, last_step_accessed);
                if (decode_at(&w, s.ip, &in) < 0)
                        break;
                mnemonic = in.info->mnemonic;
                branches = in.info->meta.category == ZYDIS_CATEGORY_COND_BR;
                instruction_accesses(&s, &in, &real);
                if (o->signalled)
                        memset(o->ahead, 0, sizeof(o->ahead));
                check_prediction(o, &s, &in, &real);
                expected = expect_operand(o, &in, &real, &record);
                predict(o, &s, &w);
                if (!step(o) || !capture(o->pid, &after))
                        break;
                if (expected.plain && !o->signalled)
                        check_operand(o, expected.number, expected.store, real.address[0],
                                      expected.memory_before, &after, expected.before);
                if (!o->signalled)
                        check_refuted(o, &w, &after);
                /* A comparison and the branch behind it count as one. */
                last_step_accessed = real.n > 0 || (branches && compared);
                compared = real.n > 0 &&
                           (mnemonic == ZYDIS_MNEMONIC_CMP || mnemonic == ZYDIS_MNEMONIC_TEST);
                if (real.n + real.unknown > 0)
                        last = real;
                o->executed = mnemonic;
        }
}

static int compare_misses(const void *a, const void *b) {
        const Miss *x = a, *y = b;

        return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

static int report(Score *s, double limit_percent, unsigned long at_least) {
        unsigned long all = s->right + s->wrong;
        double percent = all ? 100.0 * (double)s->right / (double)all : 0;
        bool good = all >= at_least && percent >= limit_percent;

        printf("%s - %s: %.4f %% of %lu right", good ? "ok" : "not ok", s->name, percent, all);
        if (s->possible > 0)
                printf("; told for %.1f %% of %lu accesses",
                       100.0 * (double)all / (double)s->possible, s->possible);
        printf("\n");
        qsort(s->misses, s->n_misses, sizeof(s->misses[0]), compare_misses);
        for (unsigned i = 0; i < s->n_misses && i < 10; i++)
                printf("#   %lu times %s: executed %s, told %s\n", s->misses[i].n,
                       s->misses[i].what, ZydisMnemonicGetString(s->misses[i].executed),
                       ZydisMnemonicGetString(s->misses[i].told));
        return good ? 0 : 1;
}

int main(int argc, char *argv[]) {
        static Oracle o = { .operand.name = "operand",
                            .forward.name = "forward",
                            .refuted.name = "refuted",
                            .previous.name = "previous" };
        unsigned long steps;
        double limit;
        int status;

        if (argc < 4) {
                fprintf(stderr, "usage: step-oracle STEPS LIMIT_PERCENT PROGRAM [ARGUMENTS]\n");
                return 2;
        }
        steps = strtoul(argv[1], NULL, 10);
        limit = strtod(argv[2], NULL);
        if (system_root_open(&o.root, "") < 0)
                return 1;
        o.pid = fork();
        if (o.pid == 0) {
                if (!freopen("/dev/null", "w", stdout) || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(77);
                execvp(argv[3], argv + 3);
                _exit(127);
        }
        if (o.pid < 0 || waitpid(o.pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
                fprintf(stderr, "%s cannot be traced\n", argv[3]);
                return WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : 1;
        }
        trace(&o, steps);
        kill(o.pid, SIGKILL);
        waitpid(o.pid, &status, 0);
        printf("# %lu steps of %s\n", o.step - 1, argv[3]);
        status = report(&o.operand, limit, steps / 100);
        status |= report(&o.forward, limit, steps / 100);
        status |= report(&o.refuted, limit, steps / 100);
        return status | report(&o.previous, limit, steps / 100);
}
