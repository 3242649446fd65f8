/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "system/root.h"

/* Memory of the machine or of one node. */
typedef struct Meminfo {
        uint64_t total_bytes;         /* MemTotal */
        uint64_t free_bytes;          /* MemFree */
        uint64_t inactive_file_bytes; /* Inactive(file) */
} Meminfo;

/* proc/meminfo. -EBADMSG: one of the three lines is missing or does not parse. */
int meminfo_read(Meminfo *ret, const SystemRoot *root);

/* sys/devices/system/node/nodeID/meminfo; the kernel's node id. */
int meminfo_read_node(Meminfo *ret, const SystemRoot *root, int node_id);
