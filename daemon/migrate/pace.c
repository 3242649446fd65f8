/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/pace.h"

#include "base/mathx.h"
#include "migrate/worklist.h"

/* Bounds of one call. Base pages: the kernel isolates all of them first, so a long list keeps pages
 * off the LRU; fewer than 16 pay more for the call than for the pages, unless each of them is known
 * to be dear. */
static const uint32_t pages_min[CALL_KIND_MAX] = { 16, 1, 1 };
static const uint32_t pages_max[CALL_KIND_MAX] = { 2048, 32, 2048 };

/* Since Linux 6.3 the kernel moves so many pages at a time (NR_MAX_BATCHED_MIGRATION), with one flush of
 * the TLBs; what is left over costs another. */
#define KERNEL_BATCH 512

/* Before the first call: 4 KB 5 us, 2 MB 0.9 ms, 0.2 ms per call (measured on two-socket servers). */
static const double each_ns[CALL_KIND_MAX] = { 5e3, 900e3, 5e3 };
#define FIXED_NS 200e3

/* Weight that what is known keeps at each call: the last dozen calls count. What is assumed at the
 * start weighs less than a call. */
#define DECAY        0.92
#define PRIOR_WEIGHT 0.25

/* A bucket may be this far behind its rate, so that a late wake-up loses no bandwidth. */
#define BURST_NS (100 * NSEC_PER_MSEC)

/* PSI averages over 10 s; above this share of time the machine is short of something. */
#define PRESSURE_PERCENT     10.0
#define PRESSURE_INTERVAL_NS (2 * NSEC_PER_SEC)

/* Benefit of ten times the cost: bandwidth_max. */
#define URGENT_RATIO 10.0

static void cost_add(CallCost *c, double n, double t, double weight) {
        c->weight += weight;
        c->n += weight * n;
        c->nn += weight * n * n;
        c->t += weight * t;
        c->nt += weight * n * t;
}

uint32_t pace_chunk_min(CallKind kind) {
        return pages_min[kind];
}

void pace_init(Pace *p) {
        *p = (Pace) { 0 };
        for (int kind = 0; kind < CALL_KIND_MAX; kind++) {
                uint32_t points[] = { pages_min[kind], 2 * pages_min[kind] };
                for (int i = 0; i < 2; i++)
                        cost_add(&p->cost[kind], points[i], FIXED_NS + points[i] * each_ns[kind],
                                 PRIOR_WEIGHT);
        }
}

bool pace_is_urgent(const Move *move) {
        return move->cost_ns > 0 && move->benefit_ns / move->cost_ns >= URGENT_RATIO;
}

PaceOrder pace_order(const Settings *s, const Move *move) {
        uint64_t rate = s->bandwidth_bytes;

        if (pace_is_urgent(move) && s->bandwidth_max_bytes > rate)
                rate = s->bandwidth_max_bytes;
        /* What a rule allows its processes holds even where more would pay. */
        if (move->bandwidth_bytes > 0)
                rate = move->bandwidth_bytes;
        return (PaceOrder) {
                .to = move->to,
                .bytes_per_second = rate,
                .cpu_percent = s->cpu_percent,
                .pause_budget_ns = s->pause_budget_ns,
        };
}

/* Least squares; where all calls were alike the line is not determined: all of it per page then. */
static void cost_line(const CallCost *c, double *ret_fixed, double *ret_each) {
        double spread = c->weight * c->nn - c->n * c->n;
        double each = ratio_or(c->weight * c->nt - c->n * c->t, spread, 0);
        double fixed = ratio_or(c->t - each * c->n, c->weight, 0);

        if (spread < 0.01 * c->n * c->n || each <= 0 || fixed < 0) {
                each = ratio_or(c->t, c->n, 0);
                fixed = 0;
        }
        *ret_fixed = fixed;
        *ret_each = each;
}

uint64_t pace_estimate_ns(const Pace *p, CallKind kind, uint64_t n) {
        double fixed, each;

        cost_line(&p->cost[kind], &fixed, &each);
        return (uint64_t)clamp_double(fixed + each * (double)n, 0, 1e18);
}

uint32_t pace_chunk(const Pace *p, CallKind kind, const PaceOrder *order) {
        double fixed, each, pages = pages_max[kind];

        if (order->pause_budget_ns > 0) {
                double budget = (double)order->pause_budget_ns;
                cost_line(&p->cost[kind], &fixed, &each);
                /* Where the call itself eats the budget, short calls would only multiply it. */
                if (fixed > budget / 2)
                        fixed = budget / 2;
                pages = ratio_or(budget - fixed, each, pages);
                if (p->most[kind] > 0 && p->most[kind] < pages)
                        pages = p->most[kind];
        }
        if (p->pressed)
                pages /= 2;
        uint32_t n = (uint32_t)clamp_double(pages, pages_min[kind], pages_max[kind]);
        return kind == CALL_BASE && n > KERNEL_BATCH ? n - n % KERNEL_BATCH : n;
}

/* A call is much too long beyond this many budgets; calls within it loosen the bound by so much. */
#define LONG_FACTOR   2
#define LOOSEN_FACTOR 1.5

/* The average of the last dozen calls follows too slowly where the first of many held pages turn up:
 * each of the next calls would be as long. */
static void pace_bound(Pace *p, CallKind kind, uint64_t n, uint64_t busy_ns, uint64_t budget_ns) {
        uint64_t known_ns = pace_estimate_ns(p, kind, n);
        uint64_t long_ns = mul_sat(budget_ns > known_ns ? budget_ns : known_ns, LONG_FACTOR);

        if (budget_ns > 0 && busy_ns > long_ns)
                p->most[kind] = clamp_double((double)n * (double)budget_ns / (double)busy_ns,
                                             pages_min[kind], pages_max[kind]);
        else if (p->most[kind] > 0 && busy_ns <= budget_ns)
                p->most[kind] *= LOOSEN_FACTOR;
        if (budget_ns == 0 || p->most[kind] >= pages_max[kind])
                p->most[kind] = 0;
}

void pace_learn(Pace *p, CallKind kind, uint64_t n, uint64_t busy_ns, uint64_t budget_ns) {
        CallCost *c = &p->cost[kind];

        if (n == 0)
                return;
        pace_bound(p, kind, n, busy_ns, budget_ns);
        c->weight *= DECAY;
        c->n *= DECAY;
        c->nn *= DECAY;
        c->t *= DECAY;
        c->nt *= DECAY;
        cost_add(c, (double)n, (double)busy_ns, 1);
}

uint64_t pace_rest_ns(uint64_t busy_ns, uint32_t cpu_percent) {
        uint64_t percent = clamp_u64(cpu_percent, 1, 100);

        return mul_div(busy_ns, 100 - percent, percent);
}

void pace_learn_sweep(Pace *p, uint64_t n, uint64_t busy_ns) {
        if (n == 0)
                return;
        double each = (double)busy_ns / (double)n;
        p->sweep_each_ns = p->sweep_each_ns > 0 ? (p->sweep_each_ns + each) / 2 : each;
}

uint64_t pace_estimate_sweep_ns(const Pace *p, uint64_t n) {
        uint64_t by_pages = pace_estimate_ns(p, CALL_BASE, n);
        uint64_t by_sweeps = (uint64_t)clamp_double(p->sweep_each_ns * (double)n, 0, 1e18);

        return by_pages > by_sweeps ? by_pages : by_sweeps;
}

/* The share of CPU time that busy_ns of work stands for, from its begin on. */
static uint64_t cpu_share_ns(const PaceOrder *order, uint64_t busy_ns) {
        return mul_div(busy_ns, 100, clamp_u64(order->cpu_percent, 1, UINT32_MAX));
}

static PaceCharge pace_charge(Pace *p, const PaceOrder *order, uint64_t begin_ns, uint64_t busy_ns,
                              uint64_t bytes) {
        uint64_t *node = &p->node_until_ns[order->to];
        PaceCharge c = {
                .cpu_ns = cpu_share_ns(order, busy_ns),
                .rate = clamp_u64(order->bytes_per_second / (p->pressed ? 2 : 1), 1, UINT64_MAX),
        };

        c.node_ns = mul_div(bytes, NSEC_PER_SEC, c.rate);
        if (busy_ns > 0 && p->cpu_until_ns < begin_ns)
                p->cpu_until_ns = begin_ns;
        p->cpu_until_ns = add_sat(p->cpu_until_ns, c.cpu_ns);
        if (*node < sub_sat(begin_ns, BURST_NS))
                *node = sub_sat(begin_ns, BURST_NS);
        *node = add_sat(*node, c.node_ns);
        return c;
}

PaceCharge pace_begin(Pace *p, CallKind kind, const PaceOrder *order, uint64_t now_ns, uint64_t n,
                      uint32_t page_bytes) {
        uint64_t pages = kind == CALL_HUGE ? mul_sat(n, UNIT_PAGES) : n;
        uint64_t busy_ns = pace_estimate_ns(p, kind, n);

        return pace_charge(p, order, now_ns, busy_ns, mul_sat(pages, page_bytes));
}

void pace_end(Pace *p, const PaceOrder *order, const PaceCharge *charge, uint64_t busy_ns,
              uint64_t bytes) {
        uint64_t *node = &p->node_until_ns[order->to];

        p->cpu_until_ns =
                add_sat(sub_sat(p->cpu_until_ns, charge->cpu_ns), cpu_share_ns(order, busy_ns));
        *node = add_sat(sub_sat(*node, charge->node_ns),
                        mul_div(bytes, NSEC_PER_SEC, charge->rate));
}

void pace_account(Pace *p, const PaceOrder *order, uint64_t now_ns, uint64_t busy_ns,
                  uint64_t bytes) {
        (void)pace_charge(p, order, sub_sat(now_ns, busy_ns), busy_ns, bytes);
}

uint64_t pace_next_ns(const Pace *p, const PaceOrder *order, Limit *ret_limit) {
        uint64_t node_ns = p->node_until_ns[order->to];
        bool by_node = node_ns > p->cpu_until_ns;

        *ret_limit = !by_node ? LIMIT_CPU : p->pressed ? LIMIT_PRESSURE : LIMIT_BANDWIDTH;
        return by_node ? node_ns : p->cpu_until_ns;
}

bool pace_is_short(const Pace *p, const PaceOrder *order) {
        return order->pause_budget_ns > 0 && pace_chunk(p, CALL_BASE, order) < pages_max[CALL_BASE];
}

bool pace_wants_pressure(const Pace *p, uint64_t now_ns) {
        return p->pressure_read_ns == 0 || now_ns - p->pressure_read_ns >= PRESSURE_INTERVAL_NS;
}

void pace_set_pressure(Pace *p, uint64_t now_ns, double percent) {
        p->pressure_read_ns = now_ns;
        p->pressed = percent > PRESSURE_PERCENT;
}
