/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/pace.h"

#include "base/mathx.h"

void pace_account(Pace *p, uint64_t now_ns, uint64_t busy_ns, uint32_t cpu_percent) {
        uint64_t percent = clamp_u64(cpu_percent, 1, 100);

        p->not_before_ns = add_sat(now_ns, mul_div(busy_ns, 100 - percent, percent));
}
