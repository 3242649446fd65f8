/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* A program that splits its accesses over two buffers in a known proportion, in different ways. The
 * sizes of the buffers have the same proportion, so that caches and TLBs serve both equally well: an
 * access to either takes the same time, and shares of time are shares of accesses. */

typedef enum WorkPattern {
        WORK_RANDOM,  /* independent reads at random places, the buffer chosen for each */
        WORK_CHASE,   /* each read gives the address of the next */
        WORK_STREAM,  /* sequential sums over stretches of either buffer */
        WORK_WRITE,   /* read-modify-write at random places */
        WORK_COMPARE, /* comparisons with memory that decide a branch, at random places */
        WORK_GATHER,  /* AVX2 gathers */
        WORK_COPY,    /* rep movsb within either buffer */
        WORK_PATTERN_MAX,
} WorkPattern;

const char *work_pattern_to_string(WorkPattern pattern);

typedef struct Work {
        WorkPattern pattern;
        unsigned percent; /* of the accesses go to buffer 0 */
        uint64_t *buffer[2];
        uint64_t n_words[2];
        uint64_t *chain; /* next word of a chase */
        uint64_t random;
} Work;

/* 0, -ENOMEM, or -EOPNOTSUPP when this processor lacks the instructions. */
int work_init(Work *w, WorkPattern pattern, unsigned percent, uint64_t total_bytes);
void work_done(Work *w);

/* Some milliseconds of work. */
uint64_t work_run(Work *w);
