/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "migrate/mover.h"

/* One process on a machine with four nodes, in memory: pages with a node and a behaviour, a clock
 * that only moves when something takes time, and a log of what the engine asked for. It follows
 * mm/migrate.c: batches end at a page whose lookup fails, a failing batch ends the call and leaves
 * its statuses unwritten. Calls of several threads follow one another. Set kernel.cpus for more than
 * one worker; then what it sees depends on the order of threads. */

#define FAKE_BASE       UINT64_C(0x10000000)
#define FAKE_PAGE_BYTES 4096u
#define FAKE_FOREVER    UINT32_MAX
#define FAKE_SCRIPT_MAX 64

typedef struct FakePage {
        int node;      /* NODE_NONE: not present */
        bool shared;   /* mapped by others */
        bool huge;     /* part of a huge page: all 512 of its unit are, and move together */
        uint32_t busy; /* attempts that fail */
        int32_t error; /* status that a failing attempt gets; 0: fails in the batch, unwritten */
        uint32_t call; /* the last move call that named it */
} FakePage;

typedef struct Fake Fake;
struct Fake {
        pthread_mutex_t lock; /* of everything that is not atomic, once the engine runs */
        FakePage *pages;
        uint32_t n_pages;
        uint32_t split;     /* page at which the second mapping begins */
        bool second_shared; /* it is shared memory */
        bool refuses_all;   /* MPOL_MF_MOVE_ALL, although the capability is held */
        atomic_ullong starttime;
        atomic_ullong now_ns;
        uint64_t call_ns;   /* what each moving call takes, and */
        uint64_t page_ns;   /* each base page that moves */
        uint64_t query_ns;  /* each query */
        atomic_uint n_now;  /* looks at the clock */
        bool suffers;       /* the process gets nothing done during moving calls, else always */
        uint64_t moving_ns; /* time in them */
        double pressure;
        atomic_uint n_attached;        /* address spaces held */
        uint32_t room;                 /* pages that the target can still take */
        atomic_bool permitted, has_mm; /* false: -EPERM, -EINVAL from every call */
        /* Results of the first calls, in order; 0 behaves naturally. */
        int64_t migrate_script[FAKE_SCRIPT_MAX];
        int64_t move_script[FAKE_SCRIPT_MAX];
        int64_t query_script[FAKE_SCRIPT_MAX];
        uint32_t n_migrate, n_move, n_query, n_check, n_sleep;
        uint64_t n_query_pages; /* asked for in all queries */
        /* Called in the worker before a moving call does its work, and in each sleep. */
        void (*on_call)(Fake *f, void *userdata);
        void (*on_sleep)(Fake *f, void *userdata);
        void *userdata;
        atomic_bool hooked; /* for hooks to say that they did their work */
        char log[65536];
        size_t log_length;
        MoverKernel kernel;
        Topology topology;
        Settings settings;
        Mover *mover;
};

/* n pages on node `node`, nothing wrong with them; defaults: no cost, room for all, and
 * migration.method = "migrate_pages". */
void fake_init(Fake *f, uint32_t n, int node);
void fake_done(Fake *f);

/* Starts an engine on the fake. */
void fake_start(Fake *f);

/* Orders a move of the process from the nodes of mask to `to`; asserts that it was accepted. */
uint64_t fake_submit(Fake *f, NodeMask from, int to);
AddressRange fake_range(uint32_t first_page, uint32_t n);
Move fake_move(const Fake *f, NodeMask from, int to);

/* Waits for the next event; fails the test after a minute. */
Outcome fake_wait_event(Fake *f);

/* Waits for the end of the job, counting the events before it; checks the accounting. */
Outcome fake_wait_end(Fake *f, uint32_t *ret_waits);

/* Waits until a hook has set hooked; fails the test after 10 s. */
void fake_wait_hook(Fake *f);

uint32_t fake_pages_on(const Fake *f, int node);

/* The first page and the size of each move call in the log, as "page+size ". */
void fake_assert_places(const Fake *f, const char *expected);

/* Names and sizes of the moving calls in the log, each followed by a space. */
void fake_assert_calls(const Fake *f, const char *expected);
