/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "victim.h"

#define REMAP_BYTES    (64UL << 10)
#define REMAP_PAUSE_NS 2000000L

static uint64_t now_ns(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The longer of one mmap and one munmap; both need the lock of the address space. */
static uint64_t remap_once(void) {
        uint64_t begin = now_ns();
        volatile char *p =
                mmap(NULL, REMAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint64_t mapped = now_ns() - begin;

        if (p == MAP_FAILED)
                victim_die("--remap: mmap");
        *p = 1;
        begin = now_ns();
        (void)munmap((void *)p, REMAP_BYTES);
        uint64_t unmapped = now_ns() - begin;
        return mapped > unmapped ? mapped : unmapped;
}

static void *remap(void *argument) {
        FILE *file = argument;

        for (;;) {
                fprintf(file, "%" PRIu64 "\n", remap_once() / 1000);
                (void)nanosleep(&(struct timespec) { .tv_nsec = REMAP_PAUSE_NS }, NULL);
        }
        return NULL;
}

void remap_start(const char *path) {
        FILE *file = fopen(path, "we");
        pthread_t thread;

        if (!file)
                victim_die("--remap: the file");
        setvbuf(file, NULL, _IOLBF, 0);
        if (pthread_create(&thread, NULL, remap, file) != 0)
                victim_die("--remap: the thread");
}
