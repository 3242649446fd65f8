/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ctl/options.h"

/* `numabalancerctl top`: pictures one after the other until q is pressed, --count is reached or the
 * daemon leaves. On a terminal that can do it the picture is redrawn in place; elsewhere pictures
 * follow each other as text, or with --json as one line of JSON each. */
ExitCode verb_top(const Options *o);
