/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* Clocks in nanoseconds; they cannot fail on Linux. The pure rooms, model and decide, take the time as an
 * argument and may not include this. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_boottime_ns(void);
uint64_t clock_realtime_ns(void);

/* CLOCK_REALTIME in microseconds, the unit of everything on the bus. */
uint64_t clock_realtime_usec(void);

/* CPU time that this process (all threads, user and system) has used. */
uint64_t clock_self_cpu_ns(void);

/* CPU time that the calling thread has used. */
uint64_t clock_thread_cpu_ns(void);
