/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* Wait between pass `pass` (1, 2, ...) and the next: base * 2^(pass - 1), capped at max, spread by
 * +-20 % so that jobs that failed together do not come back together, and never above max. The
 * spread depends only on job and pass. */
uint64_t backoff_delay_ns(uint64_t base_ns, uint64_t max_ns, uint32_t pass, uint64_t job);
