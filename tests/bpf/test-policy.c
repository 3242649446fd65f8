/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "observe/policy.h"
#include "system/process_read.h"
#include "system/topology_read.h"

#define N(array) (sizeof(array) / sizeof(array[0]))

#ifndef MPOL_LOCAL
#        define MPOL_LOCAL 4
#endif

typedef void (*SetUp)(void *shared);

#define BYTES (1u << 20)

static const unsigned long node0 = 1;

static void must(long r) {
        if (r != 0)
                _exit(1);
}

static void nothing(void *shared) {
}

static void task_bind(void *shared) {
        must(set_mempolicy(MPOL_BIND, &node0, 64));
}

static void task_interleave(void *shared) {
        must(set_mempolicy(MPOL_INTERLEAVE, &node0, 64));
}

static void task_preferred(void *shared) {
        must(set_mempolicy(MPOL_PREFERRED, &node0, 64));
}

static void task_preferred_nowhere(void *shared) {
        must(set_mempolicy(MPOL_PREFERRED, NULL, 0));
}

static void task_local(void *shared) {
        must(set_mempolicy(MPOL_LOCAL, NULL, 0));
}

static void task_back_to_default(void *shared) {
        must(set_mempolicy(MPOL_BIND, &node0, 64));
        must(set_mempolicy(MPOL_DEFAULT, NULL, 0));
}

static void *bound_thread(void *ready) {
        must(set_mempolicy(MPOL_BIND, &node0, 64));
        *(volatile int *)ready = 1;
        for (;;)
                pause();
        return NULL;
}

static void thread_bind(void *shared) {
        static volatile int ready;
        pthread_t thread;

        must(pthread_create(&thread, NULL, bound_thread, (void *)&ready));
        while (!ready)
                usleep(1000);
}

static void *map_private(void) {
        void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                _exit(1);
        return p;
}

static void vma_bind(void *shared) {
        must(mbind(map_private(), BYTES, MPOL_BIND, &node0, 64, 0));
}

static void vma_local(void *shared) {
        must(mbind(map_private(), BYTES, MPOL_LOCAL, NULL, 0, 0));
}

/* By another process: the policy hangs at the shared object, not at this process's mapping. */
static void shared_bind(void *shared) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(mbind(shared, BYTES, MPOL_BIND, &node0, 64, 0) == 0 ? 0 : 1);
        must(waitpid(pid, &status, 0) != pid || status != 0);
}

static const struct {
        const char *name;
        SetUp set_up;
        bool task, vma;
} rows[] = {
        { "nothing set", nothing, false, false },
        { "task bound", task_bind, true, false },
        { "task interleaved", task_interleave, true, false },
        { "task preferred", task_preferred, true, false },
        { "task preferred, no node: local", task_preferred_nowhere, false, false },
        { "task local", task_local, false, false },
        { "task bound, then default", task_back_to_default, false, false },
        { "another thread bound", thread_bind, true, false },
        { "mapping bound", vma_bind, false, true },
        { "mapping local", vma_local, false, false },
        { "shared memory bound by another process", shared_bind, false, true },
};

typedef struct Preparation {
        SetUp set_up;
        int ready; /* where to write a byte when it is done */
} Preparation;

static void prepare_and_wait(void *argument) {
        const Preparation *p = argument;
        void *shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                return;
        p->set_up(shared);
        if (write(p->ready, "", 1) == 1)
                pause();
}

static pid_t start_child(SetUp set_up) {
        Preparation p = { .set_up = set_up };
        int fds[2];
        pid_t pid;
        char c;

        cr_assert_eq(pipe(fds), 0);
        p.ready = fds[1];
        pid = child_start(prepare_and_wait, &p);
        close(fds[1]);
        cr_assert_eq(read(fds[0], &c, 1), 1, "the child could not set its policy");
        close(fds[0]);
        return pid;
}

/* Skips where this is not allowed. */
static PolicyReader *open_reader(SystemRoot *ret_root, Topology *ret_topology) {
        PolicyReader *reader = NULL;
        int r = policy_reader_new(&reader);

        if (r == -EPERM || r == -EACCES)
                cr_skip_test("BPF iterators need CAP_BPF and CAP_PERFMON");
        cr_assert_eq(r, 0, "%s", strerror(-r));
        cr_assert_eq(system_root_open(ret_root, ""), 0);
        cr_assert_geq(topology_read(ret_topology, ret_root), 0);
        return reader;
}

static Topology topology;

Test(policy, what_is_explicit) {
        PolicyReader *reader;
        SystemRoot root;
        int r;

        reader = open_reader(&root, &topology);
        for (size_t i = 0; i < N(rows); i++) {
                pid_t pid = start_child(rows[i].set_up);
                ProcessInfo info = { .id.pid = pid };

                cr_assert_eq(process_read_starttime(&root, pid, &info.id.starttime), 0);
                r = policy_reader_read(reader, &root, &topology, &info);
                cr_expect_eq(r, 0, "%s: %s", rows[i].name, strerror(-r));
                cr_expect_eq(info.task_policy, rows[i].task, "%s: task", rows[i].name);
                cr_expect_eq(info.vma_policy, rows[i].vma, "%s: mapping", rows[i].name);
                cr_expect_neq(info.attributes, ATTRIBUTES_UNKNOWN, "%s", rows[i].name);
                info.id.starttime++;
                cr_expect_eq(policy_reader_read(reader, &root, &topology, &info), -ESRCH,
                             "%s: pid of another process", rows[i].name);
                child_kill(pid);
                info.id.starttime--;
                cr_expect_eq(policy_reader_read(reader, &root, &topology, &info), -ESRCH,
                             "%s: ended", rows[i].name);
        }
        policy_reader_free(reader);
        system_root_close(&root);
}

static int threads_ready;

#define THREADS 80 /* more than are looked at through proc */

static void *idle_thread(void *realtime) {
        struct sched_param param = { .sched_priority = 1 };

        if (realtime)
                must(sched_setscheduler(0, SCHED_FIFO, &param));
        __atomic_add_fetch(&threads_ready, 1, __ATOMIC_SEQ_CST);
        for (;;)
                pause();
        return NULL;
}

static void many_threads(bool last_is_realtime) {
        for (int i = 0; i < THREADS; i++) {
                pthread_t thread;

                must(pthread_create(&thread, NULL, idle_thread,
                                    last_is_realtime && i == THREADS - 1 ? (void *)1 : NULL));
        }
        while (__atomic_load_n(&threads_ready, __ATOMIC_SEQ_CST) < THREADS)
                usleep(1000);
}

static void threads_ordinary(void *shared) {
        many_threads(false);
}

static void threads_realtime(void *shared) {
        many_threads(true);
}

static void memory_locked(void *shared) {
        must(mlock(map_private(), BYTES));
}

/* Nothing is reserved nor touched, so it works without huge pages set apart. */
static void memory_hugetlb(void *shared) {
        if (mmap(NULL, 2u << 20, PROT_READ,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0) == MAP_FAILED)
                _exit(1);
}

static const struct {
        const char *name;
        SetUp set_up;
        bool realtime;
        uint64_t locked, hugetlb;
} attributes[] = {
        { "nothing", nothing, false, 0, 0 },
        { "80 threads", threads_ordinary, false, 0, 0 },
        { "the last of 80 threads is real-time", threads_realtime, true, 0, 0 },
        { "locked memory", memory_locked, false, BYTES, 0 },
        { "a mapping of huge pages", memory_hugetlb, false, 0, 2u << 20 },
};

/* What the iterators tell beyond policies; the rest agrees with what proc says. */
Test(policy, attributes_of_threads_and_mappings) {
        ProcessInfo kthread = { .id.pid = 2 };
        PolicyReader *reader;
        SystemRoot root;
        int r;

        reader = open_reader(&root, &topology);
        for (size_t i = 0; i < N(attributes); i++) {
                pid_t pid = start_child(attributes[i].set_up);
                ProcessInfo proc, info;

                cr_assert_eq(process_read(&root, &topology, pid, 0, &proc), 0);
                info = proc;
                info.cpuset_mems = 0;
                info.pinned_bytes = 1;
                r = policy_reader_read(reader, &root, &topology, &info);
                cr_expect_eq(r, 0, "%s: %s", attributes[i].name, strerror(-r));
                cr_expect_eq(info.realtime, attributes[i].realtime, "%s", attributes[i].name);
                cr_expect_eq(info.locked_bytes, attributes[i].locked, "%s", attributes[i].name);
                if (policy_reader_has_mappings(reader))
                        cr_expect_eq(info.hugetlb_bytes, attributes[i].hugetlb, "%s",
                                     attributes[i].name);
                cr_expect_eq(info.cpuset_mems, proc.cpuset_mems, "%s", attributes[i].name);
                cr_expect_eq(info.pinned_bytes, proc.pinned_bytes, "%s", attributes[i].name);
                cr_expect_not(info.kernel_thread, "%s", attributes[i].name);
                child_kill(pid);
        }
        if (process_read_starttime(&root, 2, &kthread.id.starttime) == 0 &&
            process_read(&root, &topology, 2, 0, &kthread) == 0 && kthread.kernel_thread) {
                kthread.kernel_thread = false;
                cr_expect_eq(policy_reader_read(reader, &root, &topology, &kthread), 0);
                cr_expect(kthread.kernel_thread, "kthreadd");
        }
        policy_reader_free(reader);
        system_root_close(&root);
}
