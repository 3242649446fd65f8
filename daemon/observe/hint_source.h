/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* The hint source: the faults by which the kernel's NUMA balancing learns who touches a page. It says
 * which pages were touched since the last pass of the kernel's scanner, not how often; so a process that
 * uses some of its pages more than others is judged coarsely (quality 0.5). */

/* A fault on a base page counts this little: a pass over memory in base pages brings as much as the same
 * memory in huge pages, and neighbouring pages tell much the same. */
#define HINT_PAGES_PER_ACCESS 512.0

/* A process that brings this much is seen: 128 base pages. */
#define HINT_ENOUGH 0.25

/* A process that ran for so long without is not: the kernel's scanner takes a minute at most for a pass. */
#define HINT_PATIENCE_NS (75ull * 1000 * 1000 * 1000)

/* What base pages count in the evidence. */
double hint_weight(uint64_t pages);

/* Why no hint faults can come, from what kernel_balancing_read returned and stored; "" when they can. */
const char *hint_idle_reason(int error, unsigned mode);
