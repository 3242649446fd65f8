/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "observe/observer_hook.h"
#include "system/root.h"

/* An observer that runs with the clock source, for tests: fails or skips the test that calls it. */
typedef struct Watch {
        Topology topology;
        SystemRoot root;
        Observer *observer;
} Watch;

/* The ceiling of its cost is so high that every tick hands a sample over. Skips where this machine
 * cannot sample. */
void watch_start(Watch *w, uint32_t rate_hz, ObserverSampleHook hook, void *userdata);
void watch_stop(Watch *w);

/* Collects every 100 ms; the process as it is then, or NULL. */
const Observed *watch_process(Watch *w, pid_t pid, unsigned intervals);

/* What was counted since the start. */
Counters watch_counters(const Watch *w);

/* Kills a child and waits for it. */
void watch_kill(pid_t pid);
