/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/state.h"

/* Memory that several nodes use is nowhere better than where it is, but one node that serves most of
 * it can become too slow for all of them. When migration.spread is set, a node overloaded, and nothing
 * else is worth moving, shared regions go from there to those of the other nodes that use them, the
 * most accessed first, until no node serves more than the mean. */

/* Finds the node that serves more than SPREAD_IMBALANCE times the mean, and SPREAD_SERVED_MIN_NS, of
 * what all processes together are served (state->served_ns, which is complete now). */
void spread_find_overload(DecideState *state, uint64_t now_ns);
