/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "watch.h"

/* Code that is hard to read when a sample is taken: at the edge of what is mapped, not readable, not
 * resident, rewritten all the time. */

#define PAGE 4096u

/* 1: addq $1,(%rdi); jmp 1b */
static const unsigned char loop_code[] = { 0x48, 0x83, 0x07, 0x01, 0xeb, 0xfa };

typedef void (*Code)(uint64_t *counter);

typedef struct Seen {
        pid_t pid;
        uint64_t n, right, no_address;
        unsigned before_min, after_min;
} Seen;

/* The children count here. */
static uint64_t *counter;

static void on_sample(const SampleRecord *record, const Attribution *a, void *userdata) {
        Seen *s = userdata;

        if ((pid_t)record->tgid != s->pid || record->gpr[GPR_RDI] != (uint64_t)(uintptr_t)counter)
                return;
        s->n++;
        s->no_address += a->n == 0;
        cr_assert_leq(a->n, (uint32_t)ATTRIBUTION_MAX);
        for (uint32_t i = 0; i < a->n; i++)
                if (a->address[i] == (uint64_t)(uintptr_t)counter) {
                        s->right++;
                        break;
                }
        if (record->code_before < s->before_min)
                s->before_min = record->code_before;
        if (record->code_after < s->after_min)
                s->after_min = record->code_after;
}

/* Three pages of which only the middle one is there. */
static unsigned char *map_lonely_page(int fd) {
        unsigned char *start = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (start == MAP_FAILED ||
            mmap(start + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_FIXED | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), fd,
                 0) == MAP_FAILED)
                _exit(1);
        return start + PAGE;
}

static void run_at(unsigned char *place) {
        memcpy(place, loop_code, sizeof(loop_code));
        ((Code)(void *)place)(counter);
}

static void run_at_start(void *unused) {
        run_at(map_lonely_page(-1));
}

static void run_at_end(void *unused) {
        run_at(map_lonely_page(-1) + PAGE - sizeof(loop_code));
}

/* Where the processor has protection keys, executable alone means not readable. */
static void run_unreadable(void *unused) {
        unsigned char *page = map_lonely_page(-1);

        memcpy(page, loop_code, sizeof(loop_code));
        if (mprotect(page, PAGE, PROT_EXEC) < 0)
                _exit(1);
        ((Code)(void *)page)(counter);
}

static void *run_thread(void *page) {
        ((Code)page)(counter);
        return NULL;
}

static unsigned char *start_thread(int fd, size_t offset) {
        unsigned char *page = map_lonely_page(fd);
        pthread_t thread;

        memcpy(page + offset, loop_code, sizeof(loop_code));
        if (pthread_create(&thread, NULL, run_thread, page + offset) != 0)
                _exit(1);
        return page;
}

/* As a compiler at run time would: everything around the loop is other bytes each time. */
static void run_rewritten(void *unused) {
        const size_t offset = 1000;
        unsigned char *page = start_thread(-1, offset);
        uint64_t random = 88172645463325252ull;

        for (;;)
                for (size_t i = offset - 200; i < offset + 300; i++) {
                        random = random * 6364136223846793005ull + 1442695040888963407ull;
                        if (i < offset || i >= offset + sizeof(loop_code))
                                page[i] = (unsigned char)(random >> 56);
                }
}

static void run_unmapped(void *unused) {
        int fd = memfd_create("code", MFD_CLOEXEC);
        unsigned char *page;

        if (fd < 0 || ftruncate(fd, PAGE) < 0)
                _exit(1);
        page = start_thread(fd, 0);
        for (;;)
                (void)madvise(page, PAGE, MADV_DONTNEED);
}

/* The code is in a file, whose page is taken out of memory whenever it has come back. How often it had to be read
 * again stands behind the counter. */
static void run_paged_out(void *unused) {
        char name[] = "/var/tmp/numabalancer-code-XXXXXX";
        unsigned char bytes[PAGE] = { 0 };
        unsigned char *page;
        struct rusage usage;
        pthread_t thread;
        int fd = mkstemp(name);

        memcpy(bytes + 1000, loop_code, sizeof(loop_code));
        if (fd < 0 || unlink(name) < 0 || write(fd, bytes, PAGE) != PAGE || fsync(fd) < 0)
                _exit(1);
        page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
        if (page == MAP_FAILED || pthread_create(&thread, NULL, run_thread, page + 1000) != 0)
                _exit(1);
        for (;;) {
                (void)madvise(page, PAGE, MADV_PAGEOUT);
                if (getrusage(RUSAGE_SELF, &usage) == 0)
                        counter[1] = (uint64_t)usage.ru_majflt;
                usleep(200);
        }
}

/* Runs the program until that many samples of it came. */
static Seen sample_of(void (*program)(void *unused), uint64_t n_samples, Counters *ret_counters) {
        Seen s = { .before_min = UINT32_MAX, .after_min = UINT32_MAX };
        static Watch w;

        counter = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        cr_assert_neq(counter, MAP_FAILED);
        watch_start(&w, 2000, on_sample, &s);
        s.pid = child_start(program, NULL);
        for (int i = 0; i < 100 && s.n < n_samples; i++)
                watch_process(&w, s.pid, 1);
        *ret_counters = watch_counters(&w);
        cr_expect_eq(waitpid(s.pid, NULL, WNOHANG), 0, "the program still runs");
        child_kill(s.pid);
        watch_stop(&w);
        return s;
}

Test(code, at_the_start_of_what_is_mapped) {
        Counters c;
        Seen s = sample_of(run_at_start, 300, &c);

        cr_assert_geq(s.n, 300u);
        /* Behind the addition, where a timer strikes, there are its four bytes. */
        cr_expect_leq(s.before_min, 4u);
        cr_expect_geq(s.right, s.n * 99 / 100, "%llu of %llu", (unsigned long long)s.right,
                      (unsigned long long)s.n);
}

Test(code, at_the_end_of_what_is_mapped) {
        Counters c;
        Seen s = sample_of(run_at_end, 300, &c);

        cr_assert_geq(s.n, 300u);
        cr_expect_leq(s.after_min, 6u);
        cr_expect_geq(s.after_min, 2u);
        cr_expect_geq(s.right, s.n * 99 / 100, "%llu of %llu", (unsigned long long)s.right,
                      (unsigned long long)s.n);
}

Test(code, not_readable) {
        Counters c;
        Seen s;

        if (!__builtin_cpu_supports("pku"))
                cr_skip_test("this processor cannot make code unreadable (no protection keys)");
        s = sample_of(run_unreadable, 300, &c);
        cr_assert_geq(s.n, 300u);
        cr_expect_eq(s.no_address, s.n, "nothing is guessed");
        cr_expect_geq(c.samples_no_code, s.n);
}

Test(code, rewritten_all_the_time) {
        Counters c;
        Seen s = sample_of(run_rewritten, 1000, &c);

        cr_assert_geq(s.n, 1000u);
        cr_log_info("%llu of %llu samples in rewritten code lead to the right address",
                    (unsigned long long)s.right, (unsigned long long)s.n);
        cr_expect_gt(s.right, s.n / 4);
}

Test(code, unmapped_all_the_time) {
        Counters c;
        Seen s = sample_of(run_unmapped, 300, &c);

        cr_assert_geq(s.n, 300u);
        cr_log_info("%llu samples, %llu without code", (unsigned long long)s.n,
                    (unsigned long long)c.samples_no_code);
        cr_expect_geq(s.right + s.no_address, s.n * 99 / 100);
}

Test(code, paged_out_all_the_time) {
        Counters c;
        Seen s = sample_of(run_paged_out, 300, &c);
        uint64_t times = counter[1];

        if (times == 0)
                cr_skip_test("the file system of /var/tmp keeps its pages in memory");
        cr_assert_geq(s.n, 300u);
        cr_log_info("paged out %llu times: %llu samples, %llu without code",
                    (unsigned long long)times, (unsigned long long)s.n,
                    (unsigned long long)c.samples_no_code);
        cr_expect_geq(s.right + s.no_address, s.n * 99 / 100);
}
