/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/finding.h"
#include "model/topology.h"
#include "system/root.h"

/* Looks through the machine and this process (proc/self) for everything that the daemon needs:
 * nodes, kernel features, capabilities, limits, other programs that move pages. sampling: the daemon
 * samples already, so what only the start needs is no concern any more. Fills up to max findings,
 * always in the same order, and returns how many. Cannot fail: what cannot be read is a finding. */
size_t system_diagnose(const SystemRoot *root, const Topology *t, bool sampling, Finding *ret,
                       size_t max);
