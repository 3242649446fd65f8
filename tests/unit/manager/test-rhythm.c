/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "manager/rhythm.h"

#define INTERVAL_USEC 2000

/* Ticks that take longer than their interval, and what else waits in the loop. */
typedef struct Loop {
        sd_event *event;
        sd_event_source *tick;
        unsigned ticks;
        unsigned answered; /* questions since the last tick */
        unsigned crowded;  /* ticks after the first before which no question got its turn */
        int result;        /* of a tick */
} Loop;

static int on_slow_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        Loop *l = userdata;

        nanosleep(&(struct timespec) { .tv_nsec = 4 * INTERVAL_USEC * 1000 }, NULL);
        l->crowded += l->ticks > 0 && l->answered == 0;
        l->answered = 0;
        if (++l->ticks == 20)
                sd_event_exit(l->event, 0);
        return l->result < 0 ? l->result : rhythm_next(source, INTERVAL_USEC);
}

static int on_question(sd_event_source *source, void *userdata) {
        Loop *l = userdata;

        l->answered++;
        return sd_event_source_set_enabled(source, SD_EVENT_ON);
}

static int run(Loop *l) {
        sd_event_source *question = NULL;
        int r;

        cr_assert_geq(sd_event_new(&l->event), 0);
        cr_assert_eq(rhythm_start(l->event, INTERVAL_USEC, on_slow_tick, l, &l->tick), 0);
        cr_assert_geq(sd_event_add_defer(l->event, &question, on_question, l), 0);
        cr_assert_geq(sd_event_source_set_enabled(question, SD_EVENT_ON), 0);
        r = sd_event_loop(l->event);
        sd_event_source_unref(question);
        sd_event_source_unref(l->tick);
        sd_event_unref(l->event);
        return r;
}

/* Between each two of them others get their turn. */
Test(rhythm, slow_ticks_leave_room) {
        Loop l = { 0 };

        cr_expect_eq(run(&l), 0);
        cr_expect_eq(l.ticks, 20);
        cr_expect_eq(l.crowded, 0);
}

Test(rhythm, a_tick_that_fails_ends_the_loop) {
        Loop l = { .result = -ENOMEM };

        cr_expect_eq(run(&l), -ENOMEM);
        cr_expect_eq(l.ticks, 1);
}
