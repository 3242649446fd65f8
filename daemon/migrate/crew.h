/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Worker threads that have nothing to do help others with pieces of their jobs. A piece is offered
 * by one thread, run by another or, when none is free, by nobody: then whoever offered it does the
 * work itself. */

/* More would only queue for the locks of the kernel's memory management. */
#define CREW_MAX 4

typedef struct Help Help;
struct Help {
        /* In the helper's thread. */
        void (*run)(void *userdata, const void *env);
        void *userdata;
        enum { HELP_IDLE, HELP_GIVEN, HELP_RUNNING, HELP_DONE } state; /* the crew's */
        unsigned member;                                               /* the crew's */
};

typedef struct Crew {
        pthread_mutex_t lock;
        pthread_cond_t done;
        struct {
                bool idle;
                Help *help;  /* given to it, not begun */
                int wake_fd; /* eventfd that ends its sleep */
        } members[CREW_MAX];
        unsigned n;
} Crew;

/* The descriptors stay the caller's. */
void crew_init(Crew *c, const int *wake_fds, unsigned n);
void crew_done(Crew *c);

/* For the member itself: it goes to sleep and may be given something; it is awake. The latter hands
 * out what it was given, which it then runs and passes to crew_finish(). */
void crew_rest(Crew *c, unsigned member);
Help *crew_rise(Crew *c, unsigned member);
void crew_finish(Crew *c, Help *help);

/* Gives the piece to a member that has nothing to do; false: there is none, or it was given before
 * and not taken back by crew_wait() or crew_poll(). */
bool crew_offer(Crew *c, Help *help);

/* Takes the piece back: true when it was run, which is waited for if it has begun; false: nobody did
 * it. */
bool crew_wait(Crew *c, Help *help);

/* Whether the piece is with nobody; takes it back when it was run. */
bool crew_poll(Crew *c, Help *help);
