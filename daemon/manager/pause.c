/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "manager/internal.h"

/* A pause longer than this is taken for "until resumed". */
#define PAUSE_MAX_USEC (365ull * 24 * 3600 * 1000 * 1000)

static int on_pause_end(sd_event_source *source, uint64_t usec, void *userdata) {
        return manager_resume(userdata);
}

/* Until the end of the pause is known only to a person, there is no timer. */
static int arm_pause_end(Manager *m, uint64_t usec) {
        int r;

        m->pause_source = sd_event_source_disable_unref(m->pause_source);
        if (usec == 0)
                return 0;
        r = sd_event_add_time_relative(m->event, &m->pause_source, CLOCK_BOOTTIME, usec, 0,
                                       on_pause_end, m);
        if (r >= 0)
                (void)sd_event_source_set_description(m->pause_source, "pause");
        return r;
}

int manager_pause(Manager *m, uint64_t usec) {
        int r;

        if (usec > PAUSE_MAX_USEC)
                usec = 0;
        r = arm_pause_end(m, usec);
        if (r < 0)
                return r;
        m->paused = true;
        m->paused_until_usec = usec == 0 ? UINT64_MAX : clock_realtime_ns() / NSEC_PER_USEC + usec;
        mover_pause(m->mover, true);
        manager_update_state(m);
        return 0;
}

int manager_resume(Manager *m) {
        (void)arm_pause_end(m, 0);
        m->paused = false;
        m->paused_until_usec = 0;
        mover_pause(m->mover, false);
        manager_update_state(m);
        return 0;
}
