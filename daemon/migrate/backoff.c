/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/backoff.h"

#include "base/mathx.h"

/* Spread of the wait: 80 % to 120 %, in thousandths. */
#define JITTER_LOWEST 800
#define JITTER_STEPS  401

/* Finaliser of splitmix64: neighbouring jobs and passes get unrelated values. */
static uint64_t mix(uint64_t x) {
        x += 0x9e3779b97f4a7c15ull;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
        return x ^ (x >> 31);
}

uint64_t backoff_delay_ns(uint64_t base_ns, uint64_t max_ns, uint32_t pass, uint64_t job) {
        uint64_t delay = base_ns < max_ns ? base_ns : max_ns;

        for (uint32_t i = 1; i < pass && delay < max_ns; i++)
                delay = delay > max_ns / 2 ? max_ns : delay * 2;

        uint64_t permille = JITTER_LOWEST + mix(mix(job) ^ pass) % JITTER_STEPS;
        delay = mul_div(delay, permille, 1000);
        return delay < max_ns ? delay : max_ns;
}
