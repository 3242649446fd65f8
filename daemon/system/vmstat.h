/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "system/root.h"

/* What the kernel counts of page migrations of all kinds, in base pages since boot. */
typedef struct Vmstat {
        uint64_t migrate_success; /* pgmigrate_success */
        uint64_t migrate_fail;    /* pgmigrate_fail */
} Vmstat;

/* proc/vmstat. -EBADMSG: one of the lines is missing (a kernel without migration) or does not parse. */
int vmstat_read(const SystemRoot *root, Vmstat *ret);
