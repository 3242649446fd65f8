/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "victim.h"

#define BATCH         1024
#define STREAM_FACTOR 3
#define PAGE_WORDS    512
/* Hash table: a key at each even word, its value after it. */
#define PROBES_MAX 16

static uint64_t weight(const Worker *w, const uint64_t *word) {
        return 2 * (uint64_t)(word - w->origin) + 1;
}

static inline uint64_t next_random(uint64_t *state) {
        uint64_t x = *state;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;

        return *state = x;
}

static inline size_t pick(uint64_t *state, size_t n) {
        return (size_t)(((unsigned __int128)next_random(state) * n) >> 64);
}

static size_t power_of_two_below(size_t n) {
        size_t p = 1;

        while (p * 2 <= n)
                p *= 2;

        return p;
}

/* One cycle through all lines of the greatest power of two: a linear congruential generator with
 * full period gives the order without a shuffle, which would take minutes on an emulated machine.
 */
static void fill_chase(Worker *w) {
        size_t n_lines = power_of_two_below(w->n_words / LINE_WORDS);

        for (size_t i = 0; i < n_lines; i++) {
                size_t next = (i * 1664525U + 1013904223U) & (n_lines - 1);
                w->words[i * LINE_WORDS] = (uint64_t)(uintptr_t)&w->words[next * LINE_WORDS];
        }
        for (size_t i = n_lines * LINE_WORDS; i < w->n_words; i += LINE_WORDS)
                w->words[i] = 1;
        w->next = w->words;
}

static void fill_stream(Worker *w) {
        size_t third = w->n_words / 3;
        uint64_t *a = w->words, *b = a + third, *c = b + third;

        for (size_t i = 0; i < third; i++) {
                b[i] = i;
                c[i] = i ^ 0x55;
                a[i] = b[i] + STREAM_FACTOR * c[i];
        }
}

static inline uint64_t mix(uint64_t key) {
        key ^= key >> 33;
        key *= UINT64_C(0xff51afd7ed558ccd);
        key ^= key >> 33;

        return key;
}

/* Half of the slots are taken. */
static void fill_hash(Worker *w) {
        size_t n_slots = w->n_words / 2;

        for (uint64_t key = 1; key <= n_slots / 2; key++) {
                size_t slot = (size_t)(((unsigned __int128)mix(key) * n_slots) >> 64);

                for (unsigned probe = 0; probe < PROBES_MAX;
                     probe++, slot = slot + 1 < n_slots ? slot + 1 : 0)
                        if (w->words[2 * slot] == 0) {
                                w->words[2 * slot] = key;
                                w->words[2 * slot + 1] = key * 7;
                                break;
                        }
        }
}

void pattern_fill(Worker *w) {
        if (w->pattern == PATTERN_CHASE)
                fill_chase(w);
        else if (w->pattern == PATTERN_STREAM)
                fill_stream(w);
        else if (w->pattern == PATTERN_HASH)
                fill_hash(w);
        else
                for (size_t i = 0; i < w->n_words; i += LINE_WORDS)
                        w->words[i] = i;
}

static void work_random(Worker *w) {
        uint64_t state = w->random, sum = 0;

        for (unsigned i = 0; i < BATCH; i++)
                sum += w->words[pick(&state, w->n_words)];
        w->random = state;
        w->sink += sum;
}

static void work_chase(Worker *w) {
        uint64_t *p = w->next;

        for (unsigned i = 0; i < BATCH; i++)
                p = (uint64_t *)(uintptr_t)*p;
        w->next = p;
}

static void work_stream(Worker *w) {
        size_t third = w->n_words / 3, from = w->position;
        size_t to = from + BATCH < third ? from + BATCH : third;
        uint64_t *restrict a = w->words;
        const uint64_t *restrict b = a + third, *restrict c = b + third;

        for (size_t i = from; i < to; i++)
                a[i] = b[i] + STREAM_FACTOR * c[i];
        w->position = to < third ? to : 0;
}

static void add_word(Worker *w, uint64_t *word, uint64_t value) {
        /* Threads may share the memory: no addition may be lost, or the checksum would differ. */
        __atomic_fetch_add(word, value, __ATOMIC_RELAXED);
        w->added += value * weight(w, word);
}

static void work_write(Worker *w) {
        uint64_t state = w->random;

        for (unsigned i = 0; i < BATCH; i++) {
                size_t at = pick(&state, w->n_words);
                add_word(w, &w->words[at], state | 1);
        }
        w->random = state;
}

/* Most programs stay in a page for a while. Where a TLB miss costs as much as a hundred reads, as in
 * emulation, one that does not feels nothing but flushes of the TLB. */
static void work_pages(Worker *w) {
        uint64_t state = w->random, sum = 0;
        const uint64_t *page = &w->words[pick(&state, w->n_words / PAGE_WORDS) * PAGE_WORDS];

        for (unsigned i = 0; i < BATCH; i++)
                sum += page[next_random(&state) % PAGE_WORDS];
        w->random = state;
        w->sink += sum;
}

/* Accesses nothing but its buffer: what a batch added is added up in a register. */
static void work_mix(Worker *w) {
        uint64_t state = w->random, sum = 0, added = 0, *words = w->words;
        const uint64_t *origin = w->origin;
        unsigned write_percent = w->write_percent;
        size_t n_words = w->n_words;

        for (unsigned i = 0; i < BATCH; i++) {
                uint64_t *word = &words[pick(&state, n_words)];
                if (state % 100 < write_percent) {
                        __atomic_fetch_add(word, state | 1, __ATOMIC_RELAXED);
                        added += (state | 1) * (2 * (uint64_t)(word - origin) + 1);
                } else {
                        sum += *word;
                }
        }
        w->random = state;
        w->sink += sum;
        w->added += added;
}

static void work_hash(Worker *w) {
        size_t n_slots = w->n_words / 2;
        uint64_t state = w->random, sum = 0;

        for (unsigned i = 0; i < BATCH / 2; i++) {
                uint64_t key = 1 + pick(&state, n_slots / 2);
                size_t slot = (size_t)(((unsigned __int128)mix(key) * n_slots) >> 64);

                for (unsigned probe = 0; probe < PROBES_MAX;
                     probe++, slot = slot + 1 < n_slots ? slot + 1 : 0)
                        if (w->words[2 * slot] == key) {
                                if (i % 10 == 0)
                                        add_word(w, &w->words[2 * slot + 1], 1);
                                sum += w->words[2 * slot + 1];
                                break;
                        }
        }
        w->random = state;
        w->sink += sum;
}

void pattern_work(Worker *w) {
        static void (*const work[])(Worker *) = {
                [PATTERN_RANDOM] = work_random, [PATTERN_CHASE] = work_chase,
                [PATTERN_STREAM] = work_stream, [PATTERN_HASH] = work_hash,
                [PATTERN_WRITE] = work_write,   [PATTERN_PAGES] = work_pages,
                [PATTERN_MIX] = work_mix,
        };

        work[w->pattern](w);
        w->n_done++;
}

uint64_t pattern_checksum(const uint64_t *words, size_t n_words) {
        uint64_t sum = 0;

        for (size_t i = 0; i < n_words; i++)
                sum += words[i] * (2 * (uint64_t)i + 1);

        return sum;
}
