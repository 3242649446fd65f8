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

#include "observe/attribute.h"
#include "observe/decode.h"
#include "observe/execute.h"
#include "observe/operand.h"

/* Compares the evaluator with real programs, executed one instruction at a time under ptrace:
 *   step-oracle STEPS LIMIT_PERCENT PROGRAM [ARGUMENTS]
 * operand   the memory at the address told for a load holds what the register then got, and for a
 *           store holds what the register had
 * forward   from each state the next accesses are predicted; when the program gets there, the
 *           instruction pointer and the addresses must be those predicted
 * previous  when rule 1 says which access was just made, the instruction executed last must have
 *           made exactly that
 * The first two must be right in LIMIT_PERCENT of the cases, the last in PREVIOUS_LIMIT_PERCENT: a
 * jump from further away than the captured bytes cannot be seen. Exits 77 when tracing is not permitted. */

#define PREVIOUS_LIMIT_PERCENT 99.0

typedef struct Score {
        const char *name;
        unsigned long right, wrong;
} Score;

typedef struct Prediction {
        unsigned long step; /* 0: none */
        uint64_t ip;
        Accesses accesses;
} Prediction;

#define AHEAD 64

typedef struct Oracle {
        pid_t pid;
        unsigned long step;
        Prediction ahead[AHEAD]; /* by step */
        Score operand, forward, previous;
} Oracle;

static void score(Oracle *o, Score *s, bool right, uint64_t ip, const char *what) {
        if (right) {
                s->right++;
                return;
        }
        s->wrong++;
        if (s->wrong <= 5)
                printf("# %s wrong at %#llx (step %lu): %s\n", s->name, (unsigned long long)ip,
                       o->step, what);
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
static void check_prediction(Oracle *o, const CpuState *s, const Accesses *real) {
        Prediction *p = &o->ahead[o->step % AHEAD];
        char what[160];

        if (p->step != o->step)
                return;
        p->step = 0;
        if (p->ip != s->ip) {
                snprintf(what, sizeof(what), "control was predicted to be at %#llx",
                         (unsigned long long)p->ip);
                score(o, &o->forward, false, s->ip, what);
        } else if (p->accesses.n > 0 && p->accesses.unknown == 0) {
                snprintf(what, sizeof(what), "%#llx predicted, %#llx accessed",
                         (unsigned long long)p->accesses.address[0],
                         (unsigned long long)real->address[0]);
                score(o, &o->forward, same_accesses(&p->accesses, real), s->ip, what);
        }
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
static void check_operand(Oracle *o, uint64_t ip, unsigned number, bool store, uint64_t address,
                          uint64_t memory_before, const SampleRecord *after, uint64_t before) {
        uint64_t memory;

        if (store) {
                if (before == 0 || read_memory(o->pid, address, &memory, 8) != 8)
                        return;
                score(o, &o->operand, memory == before, ip, "store");
        } else if (after->gpr[number] != 0) {
                score(o, &o->operand, after->gpr[number] == memory_before, ip, "load");
        }
}

/* Rule 1 against what the last instruction really accessed. */
static void check_previous(Oracle *o, const CpuState *s, const CodeWindow *w, uint64_t last_ip,
                           const Accesses *last) {
        Attribution a;
        Accesses told;

        attribute_sample(s, w, SKID_AFTER, &a);
        if (a.rule != RULE_PREVIOUS || last_ip == 0)
                return;
        told = (Accesses) { .n = a.n < INSTRUCTION_ACCESSES_MAX ? a.n : INSTRUCTION_ACCESSES_MAX };
        memcpy(told.address, a.address, told.n * sizeof(told.address[0]));
        score(o, &o->previous, a.unknown > 0 || same_accesses(&told, last), s->ip,
              "another instruction was executed, or it accessed another address");
}

static bool step(Oracle *o) {
        int status, deliver = 0;

        for (;;) {
                if (ptrace(PTRACE_SINGLESTEP, o->pid, NULL, (void *)(intptr_t)deliver) < 0 ||
                    waitpid(o->pid, &status, 0) < 0 || !WIFSTOPPED(status))
                        return false;
                if (WSTOPSIG(status) == SIGTRAP)
                        return true;
                deliver = WSTOPSIG(status);
        }
}

static void trace(Oracle *o, unsigned long steps) {
        SampleRecord record, after;
        ZydisInstructionCategory in_category;
        ZydisMnemonic in_mnemonic;
        bool last_compares = false;
        uint64_t last_ip = 0;
        Accesses last = {};

        if (!capture(o->pid, &record))
                return;
        for (o->step = 1; o->step <= steps; o->step++) {
                uint64_t memory_before = 0, before = 0;
                unsigned number = 0;
                bool store, plain;
                Accesses real;
                CodeWindow w;
                Instruction in;
                CpuState s;

                cpu_state_from_record(&s, &w, &record);
                check_previous(o, &s, &w, last_ip, &last);
                if (decode_at(&w, s.ip, &in) < 0)
                        break;
                instruction_accesses(&s, &in, &real);
                check_prediction(o, &s, &real);
                in_category = in.info->meta.category;
                in_mnemonic = in.info->mnemonic;
                plain = is_plain_mov(&in, &real, &number, &store);
                if (plain) {
                        before = record.gpr[number];
                        plain = store ||
                                read_memory(o->pid, real.address[0], &memory_before, 8) == 8;
                }
                predict(o, &s, &w);
                if (!step(o) || !capture(o->pid, &after))
                        break;
                if (plain)
                        check_operand(o, s.ip, number, store, real.address[0], memory_before,
                                      &after, before);
                /* A comparison and the branch behind it count as one. */
                if (in_category != ZYDIS_CATEGORY_COND_BR)
                        last = real;
                else if (!last_compares)
                        last = (Accesses) {};
                last_compares =
                        in_mnemonic == ZYDIS_MNEMONIC_CMP || in_mnemonic == ZYDIS_MNEMONIC_TEST;
                last_ip = s.ip;
                record = after;
        }
}

static int report(const Score *s, double limit_percent, unsigned long at_least) {
        unsigned long all = s->right + s->wrong;
        double percent = all ? 100.0 * (double)s->right / (double)all : 0;
        bool good = all >= at_least && percent >= limit_percent;

        printf("%s - %s: %.4f %% of %lu right\n", good ? "ok" : "not ok", s->name, percent, all);
        return good ? 0 : 1;
}

int main(int argc, char *argv[]) {
        Oracle o = { .operand.name = "operand",
                     .forward.name = "forward",
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
        return status | report(&o.previous, PREVIOUS_LIMIT_PERCENT, steps / 100);
}
