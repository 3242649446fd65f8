/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload.h"

#include <errno.h>
#include <immintrin.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STEPS         (1u << 16)
#define LINE_WORDS    8
#define PAGE_WORDS    512
#define STRETCH_WORDS 1024
#define STRETCH_BYTES (STRETCH_WORDS * 8ull)
#define STRETCHES     64

static const char *const names[WORK_PATTERN_MAX] = {
        [WORK_RANDOM] = "random", [WORK_CHASE] = "chase",     [WORK_STREAM] = "stream",
        [WORK_WRITE] = "write",   [WORK_COMPARE] = "compare", [WORK_GATHER] = "gather",
        [WORK_COPY] = "copy",
};

const char *work_pattern_to_string(WorkPattern pattern) {
        return names[pattern];
}

static inline uint64_t next_random(uint64_t *state) {
        *state = *state * 6364136223846793005ull + 1442695040888963407ull;
        return *state >> 24;
}

/* Buffer of the next access: 0 for `percent` of them. The multiplication scales 16 random bits. */
static inline unsigned choose(const Work *w, uint64_t r) {
        return (r & 0xffff) * 100 >> 16 >= w->percent;
}

/* A random place in 0..n-1, n below 2^32, from other bits than the buffer. */
static inline uint64_t place(uint64_t r, uint64_t n) {
        return (r >> 8 & 0xffffffff) * n >> 32;
}

/* One cycle through all lines of both buffers in random order. */
static int make_chain(Work *w) {
        uint64_t n0 = w->n_words[0] / LINE_WORDS, n = n0 + w->n_words[1] / LINE_WORDS;
        uint64_t **line = calloc(n, sizeof(*line)), *swap;

        if (!line)
                return -ENOMEM;
        for (uint64_t i = 0; i < n; i++)
                line[i] = i < n0 ? w->buffer[0] + i * LINE_WORDS
                                 : w->buffer[1] + (i - n0) * LINE_WORDS;
        for (uint64_t i = n - 1; i > 0; i--) {
                uint64_t k = place(next_random(&w->random), i + 1);

                swap = line[i];
                line[i] = line[k];
                line[k] = swap;
        }
        for (uint64_t i = 0; i < n; i++)
                *line[i] = (uint64_t)(uintptr_t)line[i + 1 < n ? i + 1 : 0];
        w->chain = line[0];
        free(line);
        return 0;
}

/* Pages get their memory in turns: where some of it is slower to reach (in a virtual machine whose
 * host backs it with pages of different sizes, for instance), both buffers have their share of it. */
static void touch_pages(Work *w) {
        uint64_t n[2] = { w->n_words[0] / PAGE_WORDS, w->n_words[1] / PAGE_WORDS }, done[2] = {};

        while (done[0] < n[0] || done[1] < n[1]) {
                int b = done[0] * n[1] <= done[1] * n[0] && done[0] < n[0] ? 0 : 1;

                if (done[b] == n[b])
                        b = 1 - b;
                w->buffer[b][done[b]++ * PAGE_WORDS] = 1;
        }
}

int work_init(Work *w, WorkPattern pattern, unsigned percent, uint64_t total_bytes) {
        uint64_t first = total_bytes / 100 * percent / STRETCH_BYTES * STRETCH_BYTES;

        *w = (Work) {
                .pattern = pattern,
                .percent = percent,
                .n_words = { first / 8, (total_bytes - first) / 8 },
                .random = 12345,
        };
        if (pattern == WORK_GATHER && !__builtin_cpu_supports("avx2"))
                return -EOPNOTSUPP;
        for (int i = 0; i < 2; i++) {
                void *p = mmap(NULL, w->n_words[i] * 8, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                if (p == MAP_FAILED)
                        return -ENOMEM;
                w->buffer[i] = p;
                /* Huge pages might fall to one buffer more than to the other. */
                (void)madvise(p, w->n_words[i] * 8, MADV_NOHUGEPAGE);
        }
        touch_pages(w);
        return pattern == WORK_CHASE ? make_chain(w) : 0;
}

void work_done(Work *w) {
        for (int i = 0; i < 2; i++)
                if (w->buffer[i])
                        munmap(w->buffer[i], w->n_words[i] * 8);
}

static uint64_t run_random(Work *w) {
        uint64_t sum = 0, state = w->random;

        for (unsigned i = 0; i < STEPS; i++) {
                uint64_t r = next_random(&state);

                unsigned b = choose(w, r);

                sum += w->buffer[b][place(r, w->n_words[b])];
        }
        w->random = state;
        return sum;
}

static uint64_t run_write(Work *w) {
        uint64_t state = w->random;

        for (unsigned i = 0; i < STEPS; i++) {
                uint64_t r = next_random(&state);

                unsigned b = choose(w, r);

                w->buffer[b][place(r, w->n_words[b])] += r;
        }
        w->random = state;
        return 0;
}

static uint64_t run_compare(Work *w) {
        uint64_t found = 0, state = w->random;

        for (unsigned i = 0; i < STEPS; i++) {
                uint64_t r = next_random(&state);
                unsigned b = choose(w, r);

                __asm__ volatile("cmp %1,%2\n\t"
                                 "jne 1f\n\t"
                                 "inc %0\n"
                                 "1:"
                                 : "+r"(found)
                                 : "m"(w->buffer[b][place(r, w->n_words[b])]), "r"(r)
                                 : "cc");
        }
        w->random = state;
        return found;
}

static uint64_t run_chase(Work *w) {
        uint64_t *p = w->chain;

        for (unsigned i = 0; i < STEPS; i++)
                p = (uint64_t *)(uintptr_t)*p;
        w->chain = p;
        return (uint64_t)(uintptr_t)p;
}

static uint64_t *stretch(const Work *w, unsigned b, uint64_t r) {
        return w->buffer[b] + place(r, w->n_words[b] / STRETCH_WORDS) * STRETCH_WORDS;
}

static uint64_t run_stream(Work *w) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < STRETCHES; i++) {
                uint64_t r = next_random(&w->random);
                unsigned b = choose(w, r);
                const uint64_t *words = stretch(w, b, r);

                for (unsigned k = 0; k < STRETCH_WORDS; k++)
                        sum += words[k];
        }
        return sum;
}

__attribute__((target("avx2"))) static uint64_t run_gather(Work *w) {
        uint64_t state = w->random;
        __m256i sum = _mm256_setzero_si256();

        for (unsigned i = 0; i < STEPS / 4; i++) {
                uint64_t r = next_random(&state), q = next_random(&state);
                unsigned b = choose(w, r);
                uint64_t n = w->n_words[b];
                __m256i index = _mm256_set_epi64x((long long)place(r, n), (long long)place(q, n),
                                                  (long long)place(r * 0x9e3779b9u, n),
                                                  (long long)place(q * 0x9e3779b9u, n));

                sum = _mm256_add_epi64(sum,
                                       _mm256_i64gather_epi64((long long *)w->buffer[b], index, 8));
        }
        w->random = state;
        return (uint64_t)_mm256_extract_epi64(sum, 0);
}

static uint64_t run_copy(Work *w) {
        for (unsigned i = 0; i < STRETCHES; i++) {
                uint64_t r = next_random(&w->random), n = STRETCH_BYTES;
                unsigned b = choose(w, r);
                void *from = stretch(w, b, r), *to = stretch(w, b, next_random(&w->random));

                __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
        }
        return 0;
}

uint64_t work_run(Work *w) {
        switch (w->pattern) {
        case WORK_CHASE:
                return run_chase(w);
        case WORK_STREAM:
                return run_stream(w);
        case WORK_WRITE:
                return run_write(w);
        case WORK_COMPARE:
                return run_compare(w);
        case WORK_GATHER:
                return run_gather(w);
        case WORK_COPY:
                return run_copy(w);
        default:
                return run_random(w);
        }
}
