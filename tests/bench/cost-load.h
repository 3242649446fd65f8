/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* What a machine does while the daemon watches it: processes that keep a CPU busy, and many that wake
 * now and then. All end with this program. */
typedef struct Load Load;

/* Starts them; each busy one reads at random places of 128 MiB, pinned to a CPU of its own as far as
 * there are any. -ENOMEM or the errno of fork. */
int load_start(Load **ret, unsigned n_busy, unsigned n_idle);
Load *load_stop(Load *load); /* NULL-safe, returns NULL */

/* How often the idle ones have woken so far, all together. */
uint64_t load_wakeups(const Load *load);
