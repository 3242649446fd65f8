/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/options.h"

/* `numabalancerctl migrate PID`: orders a move, and unless --no-wait shows its progress until it ended. */
ExitCode verb_migrate(const Options *o);
