/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/pace.h"

#include <criterion/criterion.h>

static const PaceOrder order = {
        .to = 0,
        .bytes_per_second = 256 * MIB,
        .cpu_percent = 100,
        .pause_budget_ns = 20 * NSEC_PER_MSEC,
};

/* Calls that cost fixed + n * each, until the chunk settles. */
static uint32_t settle(Pace *p, CallKind size, const PaceOrder *o, uint64_t fixed_ns,
                       uint64_t each_ns) {
        for (int i = 0; i < 60; i++) {
                uint32_t n = pace_chunk(p, size, o);
                pace_learn(p, size, n, fixed_ns + n * each_ns, o->pause_budget_ns);
        }
        return pace_chunk(p, size, o);
}

Test(pace, chunk_settles_at_the_pause_budget) {
        static const struct {
                CallKind size;
                uint64_t fixed_us, each_us;
                uint32_t low, high;
        } rows[] = {
                { CALL_BASE, 200, 5, 2048, 2048 }, /* 3960 would fit */
                { CALL_BASE, 200, 40, 470, 500 },
                { CALL_BASE, 200, 100, 190, 201 },
                { CALL_BASE, 0, 3000, 16, 16 },
                { CALL_BASE, 15000, 40, 240, 510 }, /* the call itself is dear */
                { CALL_HUGE, 200, 900, 20, 23 },
                { CALL_HUGE, 200, 200, 32, 32 },
                { CALL_HUGE, 200, 30000, 1, 1 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Pace p;

                pace_init(&p);
                uint32_t n = settle(&p, rows[i].size, &order, rows[i].fixed_us * NSEC_PER_USEC,
                                    rows[i].each_us * NSEC_PER_USEC);
                cr_assert(n >= rows[i].low && n <= rows[i].high, "row %zu: %u", i, n);
        }
}

Test(pace, chunk_follows_a_change) {
        Pace p;

        pace_init(&p);
        cr_assert_eq(settle(&p, CALL_BASE, &order, 100000, 5000), 2048);
        uint32_t n = settle(&p, CALL_BASE, &order, 100000, 100000);
        cr_assert(n >= 150 && n <= 240, "%u", n);
        cr_assert_eq(pace_chunk(&p, CALL_HUGE, &order), 22, "sizes are apart");
}

Test(pace, no_budget_no_limit) {
        PaceOrder free_order = order;
        Pace p;

        free_order.pause_budget_ns = 0;
        pace_init(&p);
        cr_assert_eq(settle(&p, CALL_BASE, &free_order, 0, 1000000), 2048);
        cr_assert(!pace_is_short(&p, &free_order));
        cr_assert(pace_is_short(&p, &order));
}

Test(pace, estimate_is_what_was_learned) {
        Pace p;

        pace_init(&p);
        cr_assert_eq(pace_estimate_ns(&p, CALL_BASE, 1000), 5200000);
        settle(&p, CALL_BASE, &order, 0, 40000);
        uint64_t ns = pace_estimate_ns(&p, CALL_BASE, 1000);
        cr_assert(ns > 36000000 && ns < 44000000, "%lu", ns);
}

Test(pace, sweeps_are_estimated_by_what_they_took) {
        Pace p;

        pace_init(&p);
        cr_assert_eq(pace_estimate_sweep_ns(&p, 1000), pace_estimate_ns(&p, CALL_BASE, 1000));
        pace_learn_sweep(&p, 1000, NSEC_PER_SEC);
        cr_assert_eq(pace_estimate_sweep_ns(&p, 5000), 5 * NSEC_PER_SEC);
        pace_learn_sweep(&p, 0, NSEC_PER_SEC);
        cr_assert_eq(pace_estimate_sweep_ns(&p, 5000), 5 * NSEC_PER_SEC);
        cr_assert_eq(pace_chunk(&p, CALL_BASE, &order), 2048, "chunks are another matter");
}

/* Bytes per second over many calls of 1 MiB, each of 1 ms. */
static double rate_of(Pace *p, const PaceOrder *o, Limit *ret_limit) {
        uint64_t begin = 1000 * NSEC_PER_SEC, now = begin, bytes = 0;

        while (now < begin + 20 * NSEC_PER_SEC) {
                now += NSEC_PER_MSEC;
                pace_account(p, o, now, NSEC_PER_MSEC, MIB);
                bytes += MIB;
                uint64_t next = pace_next_ns(p, o, ret_limit);
                if (next > now)
                        now = next;
        }
        return (double)bytes / 20;
}

Test(pace, bandwidth_cpu_and_pressure) {
        static const struct {
                uint64_t mib_per_second;
                uint32_t cpu_percent;
                double pressure;
                double expected_mib;
                Limit limit;
        } rows[] = {
                { 256, 100, 0, 256, LIMIT_BANDWIDTH },  { 64, 50, 0, 64, LIMIT_BANDWIDTH },
                { 4096, 50, 0, 500, LIMIT_CPU }, /* 1 ms of every 2 */
                { 4096, 10, 0, 100, LIMIT_CPU },        { 256, 100, 30, 128, LIMIT_PRESSURE },
                { 256, 100, 10, 256, LIMIT_BANDWIDTH }, { 256, 100, -1, 256, LIMIT_BANDWIDTH },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                PaceOrder o = order;
                Limit limit;
                Pace p;

                o.bytes_per_second = rows[i].mib_per_second * MIB;
                o.cpu_percent = rows[i].cpu_percent;
                pace_init(&p);
                pace_set_pressure(&p, NSEC_PER_SEC, rows[i].pressure);
                double mib = rate_of(&p, &o, &limit) / (double)MIB;
                cr_assert(mib > rows[i].expected_mib * 0.97 && mib < rows[i].expected_mib * 1.03,
                          "row %zu: %g", i, mib);
                cr_assert_eq(limit, rows[i].limit, "row %zu: %s", i, limit_to_string(limit));
        }
}

Test(pace, nodes_have_buckets_of_their_own) {
        PaceOrder other = order;
        Limit limit;
        Pace p;

        other.to = 1;
        pace_init(&p);
        pace_account(&p, &order, 1000 * NSEC_PER_SEC, 0, 512 * MIB);
        cr_assert_eq(pace_next_ns(&p, &order, &limit), 1001 * NSEC_PER_SEC + 900 * NSEC_PER_MSEC);
        cr_assert(pace_next_ns(&p, &other, &limit) <= 1000 * NSEC_PER_SEC);
}

Test(pace, idle_time_is_not_saved_up) {
        Limit limit;
        Pace p;

        pace_init(&p);
        pace_account(&p, &order, 1 * NSEC_PER_SEC, 0, MIB);
        pace_account(&p, &order, 5000 * NSEC_PER_SEC, 0, 256 * MIB);
        cr_assert_eq(pace_next_ns(&p, &order, &limit), 5000 * NSEC_PER_SEC + 900 * NSEC_PER_MSEC);
}

Test(pace, pressure_halves_the_chunk_and_is_read_now_and_then) {
        Pace p;

        pace_init(&p);
        uint32_t whole = settle(&p, CALL_BASE, &order, 0, 40000);
        cr_assert(pace_wants_pressure(&p, 1));
        pace_set_pressure(&p, 5 * NSEC_PER_SEC, 11);
        cr_assert_eq(pace_chunk(&p, CALL_BASE, &order), whole / 2);
        cr_assert(!pace_wants_pressure(&p, 6 * NSEC_PER_SEC));
        cr_assert(pace_wants_pressure(&p, 7 * NSEC_PER_SEC));
        pace_set_pressure(&p, 7 * NSEC_PER_SEC, 1);
        cr_assert_eq(pace_chunk(&p, CALL_BASE, &order), whole);
}

Test(pace, urgent_moves_get_the_maximum) {
        Settings s;
        Move move = { .to = 2, .benefit_ns = 9.9, .cost_ns = 1 };

        settings_init(&s);
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 256 * MIB);
        move.benefit_ns = 10;
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 1280 * MIB);
        s.bandwidth_max_bytes = MIB;
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 256 * MIB);
        move.cost_ns = 0;
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 256 * MIB);
        cr_assert_eq(pace_order(&s, &move).to, 2);
}

Test(pace, rules_set_the_bandwidth) {
        Settings s;
        Move move = { .benefit_ns = 100, .cost_ns = 1, .bandwidth_bytes = 3 * MIB };

        settings_init(&s);
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 3 * MIB, "even when urgent");
        move.bandwidth_bytes = 4096 * MIB;
        cr_assert_eq(pace_order(&s, &move).bytes_per_second, 4096 * MIB);
}

/* Among many cheap pages some are held, each ten milliseconds: the next call is short already, and
 * once they are over calls grow again. */
Test(pace, one_call_that_is_much_too_long_shortens_the_next) {
        Pace p;

        pace_init(&p);
        uint32_t n = settle(&p, CALL_BASE, &order, 200000, 30000);
        cr_assert(n > 500, "%u", n);
        pace_learn(&p, CALL_BASE, n, 1000 * NSEC_PER_MSEC, order.pause_budget_ns);
        uint32_t next = pace_chunk(&p, CALL_BASE, &order);
        cr_assert(next >= 16 && next <= n / 20, "%u after %u", next, n);
        cr_assert_eq(pace_chunk(&p, CALL_HUGE, &order), 22, "kinds are apart");
        n = settle(&p, CALL_BASE, &order, 200000, 30000);
        cr_assert(n > 500, "%u", n);
        /* A call that is dear whatever its length is no reason: short ones would only multiply it. */
        for (int i = 0; i < 60; i++)
                pace_learn(&p, CALL_BASE, 200 + (uint64_t)i, 60 * NSEC_PER_MSEC,
                           order.pause_budget_ns);
        cr_assert(pace_chunk(&p, CALL_BASE, &order) > 16);
}

/* The kernel's batches are full. */
Test(pace, calls_are_whole_batches) {
        static const struct {
                uint64_t each_ns;
                uint32_t pages;
        } rows[] = { { 5000, 2048 }, { 11000, 1536 }, { 18000, 1024 }, { 21000, 512 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Pace p;

                pace_init(&p);
                uint32_t n = settle(&p, CALL_BASE, &order, 100000, rows[i].each_ns);
                cr_assert_eq(n, rows[i].pages, "row %zu: %u", i, n);
        }
}

/* Pages that were busy: one at a time when each takes more than the budget. */
Test(pace, held_pages_are_tried_alone) {
        Pace p;

        pace_init(&p);
        cr_assert_eq(settle(&p, CALL_RETRY, &order, 200000, 10 * NSEC_PER_MSEC), 1);
        cr_assert(settle(&p, CALL_BASE, &order, 200000, 30000) > 500);
}

/* What calls under way are expected to take is not given to others. */
Test(pace, calls_at_once_share_the_budgets) {
        uint64_t now = 1000 * NSEC_PER_SEC;
        PaceOrder o = order;
        Limit limit;
        Pace p;

        pace_init(&p);
        /* 2000 pages: 10.2 ms at the learned cost. */
        PaceCharge first = pace_begin(&p, CALL_BASE, &o, now, 2000, 4096);
        cr_assert_eq(pace_next_ns(&p, &o, &limit), now + 10200000, "100 %%: one at a time");
        cr_assert_eq(limit, LIMIT_CPU);
        o.cpu_percent = 200;
        PaceCharge second = pace_begin(&p, CALL_BASE, &o, now, 2000, 4096);
        pace_end(&p, &order, &first, 5 * NSEC_PER_MSEC, 0);
        pace_end(&p, &o, &second, 4 * NSEC_PER_MSEC, 0);
        cr_assert_eq(pace_next_ns(&p, &o, &limit), now + 5000000 + 2000000, "what it really took");

        /* Bandwidth: what did not move is given back. */
        pace_init(&p);
        o.cpu_percent = 100;
        o.bytes_per_second = 100 * MIB;
        now += NSEC_PER_SEC;
        first = pace_begin(&p, CALL_HUGE, &o, now, 100, 4096);
        uint64_t next = pace_next_ns(&p, &o, &limit);
        cr_assert_eq(limit, LIMIT_BANDWIDTH);
        cr_assert_eq(next, now - 100 * NSEC_PER_MSEC + 2 * NSEC_PER_SEC, "200 MiB");
        pace_end(&p, &o, &first, 0, 50 * MIB);
        next = pace_next_ns(&p, &o, &limit);
        cr_assert_eq(next, now - 100 * NSEC_PER_MSEC + 500 * NSEC_PER_MSEC, "50 MiB");
}
