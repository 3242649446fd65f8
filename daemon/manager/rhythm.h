/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

/* The timer of the tick: of higher priority than everything else in the loop, for evidence is
 * collected and jobs are planned before questions about them are answered, and yet unable to keep
 * the rest from its turn, however long a tick takes. */

/* Calls `tick` once, `first_usec` from now; it has to call rhythm_next(). A tick that returns a
 * negative errno ends the loop with it. *ret is a reference of the caller's. 0 or negative errno. */
int rhythm_start(sd_event *event, uint64_t first_usec, sd_event_time_handler_t tick, void *userdata,
                 sd_event_source **ret);

/* The next tick, `interval_usec` from now. 0 or negative errno. */
int rhythm_next(sd_event_source *source, uint64_t interval_usec);
