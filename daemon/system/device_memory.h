/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "system/root.h"

/* Whether a mapping of this name (of proc/PID/maps) means that devices work on memory of the process by
 * physical address: the registers of a device that VFIO, RDMA or UIO hand out, or of PCI directly, and
 * the huge pages of DPDK ("rtemap_0", of whichever hugetlbfs). */
bool device_memory_is_sign(const char *mapping_name);

/* Whether the process has one. Such memory moves badly: what is pinned for VFIO and RDMA is held page by
 * page and often counted nowhere, and DPDK has told the device addresses that a move would make wrong.
 * Reads its mappings once, without a look at pages. 0; -ESRCH, -EACCES, -EBADMSG as maps_read(). */
int device_memory_find(const SystemRoot *root, pid_t pid, bool *ret);
