/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/root.h"

/* One mapping of proc/PID/maps. */
typedef struct Mapping {
        uint64_t start; /* page aligned, [start, end) */
        uint64_t end;
        bool readable;
        bool writable;
        bool shared;      /* MAP_SHARED */
        bool file;        /* of a file, not anonymous */
        const char *name; /* as the kernel escaped it, "" for anonymous; valid in the callback */
} Mapping;

/* Anything but 0 ends the reading with that value. */
typedef int (*MapsTake)(const Mapping *mapping, void *userdata);

/* Reads all mappings in the order of addresses in bounded memory. The kernel hands them out page by
 * page, so mappings that change meanwhile may be missed or seen changed. Returns 0, what `take`
 * returned, -ESRCH (gone), -EACCES (not permitted), -EBADMSG (does not parse). */
int maps_read(const SystemRoot *root, pid_t pid, MapsTake take, void *userdata);
