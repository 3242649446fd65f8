/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/pingpong.h"

#include <math.h>

#include "base/mathx.h"
#include "decide/tuning.h"

static void decay(PingPong *p, uint64_t now_ns) {
        double factor = exp2(-(double)sub_sat(now_ns, p->updated_ns) / (double)RETURN_HALF_LIFE_NS);

        p->moved_bytes *= factor;
        p->returned_bytes *= factor;
        p->updated_ns = now_ns;
}

static bool is_probing(const PingPong *p, uint64_t now_ns) {
        return p->stops > 0 && now_ns < add_sat(p->stopped_until_ns, PROBE_NS);
}

static void stop(PingPong *p, uint64_t now_ns) {
        /* One that follows soon after the trial is one in a row. */
        if (p->stops > 0 && !is_probing(p, now_ns))
                p->stops = 0;
        p->stopped_until_ns = add_sat(now_ns, STOP_NS << p->stops);
        if (p->stops < STOP_DOUBLINGS_MAX)
                p->stops++;
        p->moved_bytes = p->returned_bytes = 0;
        p->total++;
}

void ping_pong_count(PingPong *p, uint64_t bytes, bool returned, uint64_t now_ns) {
        decay(p, now_ns);
        p->moved_bytes += (double)bytes;
        if (returned)
                p->returned_bytes += (double)bytes;
        if (p->returned_bytes > RETURNED_SHARE_MAX * p->moved_bytes)
                stop(p, now_ns);
}

uint64_t ping_pong_stopped_until(const PingPong *p, uint64_t now_ns) {
        return p->stopped_until_ns > now_ns ? p->stopped_until_ns : 0;
}

uint32_t ping_pong_jobs(const PingPong *p, uint64_t now_ns) {
        if (ping_pong_stopped_until(p, now_ns) > 0)
                return 0;
        return is_probing(p, now_ns) ? PROBE_JOBS : JOBS_IN_FLIGHT_MAX;
}
