/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/options.h"

/* `numabalancerctl metrics`: prints metrics, or replaces a file with them in one step. A daemon that is
 * not there is told as numabalancer_up 0 and is no failure. */
ExitCode verb_metrics(const Options *o);
