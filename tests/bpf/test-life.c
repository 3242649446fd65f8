/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/internal.h"
#include "watch.h"
#include "workload.h"

/* What a process goes through while it is watched: another program, an end, 32-bit code. */

/* A static i386 program that adds to one word of each page of 64 MiB, round and round:
 *   1: addl $1,(%esi); add $4096,%esi; cmp %edi,%esi; jb 1b; jmp _start */
static const unsigned char program32[] = {
        0x7f, 0x45, 0x4c, 0x46, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x02, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x54, 0x80, 0x04, 0x08, 0x34, 0x00,
        0x00, 0x00, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x34, 0x00, 0x20, 0x00, 0x01,
        0x00, 0x28, 0x00, 0x04, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x54, 0x00, 0x00, 0x00,
        0x54, 0x80, 0x04, 0x08, 0x54, 0x80, 0x04, 0x08, 0x19, 0x00, 0x00, 0x00, 0x1c, 0x10, 0x00,
        0x04, 0x07, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xbe, 0x6d, 0x90, 0x04, 0x08, 0xbf,
        0x6d, 0x90, 0x04, 0x0c, 0x83, 0x06, 0x01, 0x81, 0xc6, 0x00, 0x10, 0x00, 0x00, 0x39, 0xfe,
        0x72, 0xf3, 0xeb, 0xe7, 0x00, 0x2e, 0x73, 0x68, 0x73, 0x74, 0x72, 0x74, 0x61, 0x62, 0x00,
        0x2e, 0x74, 0x65, 0x78, 0x74, 0x00, 0x2e, 0x62, 0x73, 0x73, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
        0x06, 0x00, 0x00, 0x00, 0x54, 0x80, 0x04, 0x08, 0x54, 0x00, 0x00, 0x00, 0x19, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x6d,
        0x90, 0x04, 0x08, 0x6d, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
        0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x6d, 0x00,
        0x00, 0x00, 0x16, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static volatile sig_atomic_t execute;

static void on_usr1(int signal_number) {
        execute = 1;
}

static pid_t start_worker(void) {
        pid_t pid = fork();
        volatile uint64_t sink = 0;
        Work work;

        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGUSR1, on_usr1);
        if (work_init(&work, WORK_RANDOM, 50, 64u << 20) < 0)
                _exit(1);
        while (!execute)
                sink = sink + work_run(&work);
        execl("/bin/sh", "sh", "-c", "while :; do :; done", (char *)NULL);
        _exit(1);
}

Test(life, another_program) {
        static Watch w;
        const Observed *p = NULL;
        double before;
        uint64_t exec_id;
        pid_t pid;

        watch_start(&w, 500, NULL, NULL);
        pid = start_worker();
        cr_assert_gt(pid, 0);
        for (int i = 0; i < 100 && (i < 10 || !p || p->evidence.samples <= 50); i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        before = p->evidence.samples;
        exec_id = p->exec_id;
        cr_assert_gt(before, 50.0);
        cr_expect_neq(exec_id, 0u);
        kill(pid, SIGUSR1);
        for (int i = 0; i < 50 && p && p->exec_id == exec_id; i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_expect_eq(p->exec_id, exec_id + 1);
        cr_expect_lt(p->evidence.samples + p->evidence.unresolved, before,
                     "the old program's accesses are dropped");
        watch_kill(pid);
        watch_stop(&w);
}

Test(life, forget_and_end) {
        static Watch w;
        const Observed *p = NULL;
        Counters c = {};
        pid_t pid;

        watch_start(&w, 500, NULL, NULL);
        pid = start_worker();
        for (int i = 0; i < 100 && (!p || p->evidence.samples <= 50); i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_assert_gt(p->evidence.samples, 50.0);
        observer_forget(w.observer, p->id);
        cr_expect_eq(p->evidence.samples, 0.0);
        cr_expect_eq(p->evidence.evaluations, 0u);
        cr_expect_gt(evidence_cpu_ns(&p->evidence), 0.0);
        for (int i = 0; i < 50 && p && p->evidence.samples <= 10; i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_expect_gt(p->evidence.samples, 10.0, "it is sampled anew");
        watch_kill(pid);
        p = watch_process(&w, pid, 2);
        observer_count(w.observer, &c);
        if (w.observer->life) {
                cr_expect_null(p, "its end was told");
                cr_expect_geq(c.processes_ended, 1u);
        } else {
                cr_expect_not_null(p, "remembered for a while");
        }
        cr_expect_geq(c.samples_total, c.accesses_total / 2);
        cr_expect_eq(c.samples_lost, 0u);
        watch_stop(&w);
}

typedef struct HandedOver {
        pid_t pid;
        uint64_t n;
} HandedOver;

static void count_sample(const SampleRecord *record, const Attribution *a, void *userdata) {
        HandedOver *h = userdata;

        (void)a;
        h->n += (pid_t)record->tgid == h->pid;
}

/* What a rule leaves alone brings CPU time, but no samples; and is sampled again when the rule is gone. */
Test(life, excluded) {
        static Watch w;
        const Observed *p = NULL;
        HandedOver seen = {};
        pid_t pid;

        watch_start(&w, 500, count_sample, &seen);
        pid = seen.pid = start_worker();
        for (int i = 0; i < 100 && (!p || p->evidence.samples <= 50); i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_assert_gt(p->evidence.samples, 50.0);
        observer_exclude(w.observer, p->id, true);
        /* What was sampled before may still wait. */
        (void)watch_process(&w, pid, 1);
        seen.n = 0;
        p = watch_process(&w, pid, 5);
        cr_assert_not_null(p);
        cr_expect_eq(seen.n, 0u, "%llu samples", (unsigned long long)seen.n);
        cr_expect_eq(p->evidence.samples + p->evidence.unresolved, 0.0);
        cr_expect_eq(p->evidence.source, SOURCE_NONE);
        cr_expect_gt(evidence_cpu_ns(&p->evidence), 1e6, "it runs");
        observer_exclude(w.observer, p->id, false);
        for (int i = 0; i < 100 && p && p->evidence.samples <= 10; i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_expect_gt(p->evidence.samples, 10.0, "it is sampled again");
        watch_kill(pid);
        watch_stop(&w);
}

Test(life, code_of_32_bits) {
        static Watch w;
        const Observed *p = NULL;
        Counters c = {};
        int fd, status;
        pid_t pid;

        watch_start(&w, 500, NULL, NULL);
        fd = memfd_create("program32", 0);
        cr_assert_geq(fd, 0);
        cr_assert_eq(write(fd, program32, sizeof(program32)), (ssize_t)sizeof(program32));
        pid = fork();
        if (pid == 0) {
                char *arguments[] = { NULL }, *environment[] = { NULL };

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                fexecve(fd, arguments, environment);
                _exit(errno == ENOEXEC ? 75 : 1);
        }
        /* It first takes page faults, in the kernel. */
        for (int i = 0; i < 100 && (!p || p->evidence.samples <= 1 || c.samples_compat < 20); i++) {
                p = watch_process(&w, pid, 1);
                c = (Counters) {};
                observer_count(w.observer, &c);
        }
        if (waitpid(pid, &status, WNOHANG) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 75)
                cr_skip_test("this kernel does not run 32-bit programs");
        cr_assert_not_null(p);
        cr_expect_geq(c.samples_compat, 20u);
        cr_expect_eq(p->evidence.source, SOURCE_RESIDENCY, "source %s",
                     evidence_source_to_string(p->evidence.source));
        cr_expect_gt(p->evidence.samples, 1.0);
        watch_kill(pid);
        close(fd);
        watch_stop(&w);
}
