/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

#include <time.h>

static uint64_t now_ns(clockid_t clock) {
        struct timespec ts = {};

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_monotonic_ns(void) {
        return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boottime_ns(void) {
        return now_ns(CLOCK_BOOTTIME);
}

uint64_t clock_realtime_ns(void) {
        return now_ns(CLOCK_REALTIME);
}

uint64_t clock_realtime_usec(void) {
        return clock_realtime_ns() / 1000;
}

uint64_t clock_self_cpu_ns(void) {
        return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_thread_cpu_ns(void) {
        return now_ns(CLOCK_THREAD_CPUTIME_ID);
}
