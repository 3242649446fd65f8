/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VICTIM_MAX_THREADS 16
#define LINE_WORDS         8

typedef enum Pattern {
        PATTERN_RANDOM, /* independent reads at random places */
        PATTERN_CHASE,  /* each read gives the address of the next one */
        PATTERN_STREAM, /* a[i] = b[i] + 3 c[i], in order */
        PATTERN_HASH,   /* look-ups with linear probing, one in ten updates */
        PATTERN_WRITE,  /* read-modify-write at random places */
        PATTERN_PAGES,  /* many reads in one page, then in another */
        PATTERN_MIX,    /* reads and, in some percent, writes at random places */
} Pattern;

typedef enum Layout {
        LAYOUT_COMMON,   /* all threads use all memory, from the run node */
        LAYOUT_PER_NODE, /* a thread on each node, each uses all memory */
        LAYOUT_HALVES,   /* a thread on each node, each uses a slice that lies on its node */
        LAYOUT_SWAPPED,  /* as halves, but the slice lies on the next node */
} Layout;

typedef struct Options {
        unsigned id;
        size_t size_bytes;
        int mem_node;
        unsigned split_percent; /* of its pages lie there, the others on the run node */
        int run_node;
        Pattern pattern;
        unsigned write_percent;
        Layout layout;
        unsigned n_threads;
        unsigned hop_seconds;
        int share_node;
        bool share;
        bool lock;
        int thp;
        bool hugetlb;
        bool idle;
        bool interleave;
        int bind_node;
        int mbind_node;
        int mbind_sampled_node;
        unsigned pin_uring_percent;
        unsigned pin_vmsplice_pages;
        unsigned exit_after_seconds;
        bool checksum;
        const char *progress_path;
        bool shmem;            /* shared anonymous memory */
        const char *file_path; /* a shared mapping of this file, which is made as large as wanted */
        const char
                *remap_path; /* where a thread that maps and unmaps all the time writes how long */
        const char *name;
} Options;

/* The state of one thread of work; each on its own lines, as its counters are written all the time.
 */
typedef struct __attribute__((aligned(128))) Worker {
        uint64_t *words;
        size_t n_words;
        uint64_t *origin; /* the whole buffer's start: weights of the checksum count from there */
        Pattern pattern;
        unsigned write_percent;
        uint64_t random;
        uint64_t *next;
        size_t position;
        uint64_t sink;
        /* Units of work done, and what they added to the weighted sum of the memory. */
        volatile uint64_t n_done;
        uint64_t added;
} Worker;

/* Says what is wrong and ends the program. */
_Noreturn void victim_die(const char *what);

/* Fills `ret_options` from the command line; ends the program when it is wrong. */
void options_parse(int argc, char **argv, Options *ret_options);

/* Reads the CPUs of a node; false when it has none. */
bool node_cpus(int node, void *ret_set);

/* The greatest number of any online node, plus one. */
int node_count(void);

/* Pins the calling thread on a node's CPUs (-1: all CPUs); negative errno. */
int node_run_on(int node);

/* Maps the victim's memory at its window's start, as `options` wants it; exits on failure. */
uint64_t *memory_map(const Options *options);

/* Maps and unmaps memory all the time in a thread of its own, and writes to the file the microseconds
 * that each mmap and munmap took. Exits on failure. */
void remap_start(const char *path);

/* Lets go of what memory_hold() pinned. */
void memory_release(void);

/* Gives pages of [start, start + bytes) their first touch on the node, without a memory policy
 * remaining: those ranked from_percent (inclusive) to to_percent (exclusive) of a hundred, evenly
 * spread. 0 to 100: all. */
void memory_place(void *start, size_t bytes, int node, unsigned from_percent, unsigned to_percent);

/* Pins and locks as the options want; exits on failure. */
void memory_hold(const Options *options, void *start);

/* Pages of the buffer on each node, looked up for every `step`th page. */
void memory_count(void *start, size_t bytes, size_t step_bytes, uint64_t *ret_per_node,
                  size_t n_nodes);

/* Fills the worker's slice with what its pattern expects. */
void pattern_fill(Worker *worker);

/* One batch of work: about a thousand accesses. */
void pattern_work(Worker *worker);

/* Σ words[i] × (2 i + 1): sees a changed word, a lost page, and two pages exchanged. */
uint64_t pattern_checksum(const uint64_t *words, size_t n_words);
