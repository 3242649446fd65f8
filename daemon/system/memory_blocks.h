/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/topology.h"
#include "system/root.h"

/* Which node a physical address belongs to, by the memory blocks that sysfs lists for each node. */
typedef struct MemoryBlocks MemoryBlocks;

/* -ENOENT: the kernel does not list blocks (no memory hotplug); -EBADMSG, -ENOMEM. */
int memory_blocks_read(MemoryBlocks **ret, const SystemRoot *root, const Topology *t);
MemoryBlocks *memory_blocks_free(MemoryBlocks *b); /* NULL-safe, returns NULL */

/* Dense node index, or NODE_NONE: no block, or one that lies on several nodes. */
int memory_blocks_node(const MemoryBlocks *b, uint64_t physical);
