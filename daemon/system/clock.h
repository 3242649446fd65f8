/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* Clocks in nanoseconds; they cannot fail on Linux. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_boottime_ns(void);
uint64_t clock_realtime_ns(void);

/* CPU time that this process (all threads, user and system) has used. */
uint64_t clock_self_cpu_ns(void);

/* CPU time that the calling thread has used. */
uint64_t clock_thread_cpu_ns(void);
