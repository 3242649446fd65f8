/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager/rhythm.h"

#include <stdbool.h>

#include "base/clock.h"
#include "model/settings.h"

/* The timer may be merged with other wake-ups of the machine within this. */
#define RHYTHM_ACCURACY_USEC (50 * 1000ull)

int rhythm_start(sd_event *event, uint64_t first_usec, sd_event_time_handler_t tick, void *userdata,
                 sd_event_source **ret) {
        sd_event_source *source;
        int r;

        r = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, first_usec,
                                       RHYTHM_ACCURACY_USEC, tick, userdata);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(source, "tick");
        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_NORMAL - 10);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(source, true);
        if (r < 0) {
                sd_event_source_unref(source);
                return r;
        }
        *ret = source;
        return 0;
}

/* From now on, not from when the loop woke up (sd_event_now()): where a tick takes longer than the
 * interval, the next one would be due at once, and nothing else would ever get its turn. */
int rhythm_next(sd_event_source *source, uint64_t interval_usec) {
        int r;

        r = sd_event_source_set_time(source, clock_monotonic_ns() / NSEC_PER_USEC + interval_usec);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}
