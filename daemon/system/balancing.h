/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "system/root.h"

/* kernel.numa_balancing: 0 off, 1 normal, 2 tiering (bit mask). -ENOENT: the kernel has none;
 * -EBADMSG: it does not parse. */
int kernel_balancing_read(const SystemRoot *root, unsigned *ret_mode);
