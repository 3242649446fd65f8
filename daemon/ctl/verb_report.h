/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/options.h"

/* `numabalancerctl report FILE`: writes a page about the last hour, or with --json its data. */
ExitCode verb_report(const Options *o);
