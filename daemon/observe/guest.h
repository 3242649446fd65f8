/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/process_table.h"
#include "system/root.h"

/* Whether more than half of the process's CPU time is that of the guest of a virtual machine (KVM), whose
 * accesses nobody here sees. Reads proc/PID/stat once in GUEST_READ_NS; until there are two readings the
 * time since the start of the process counts. False when it cannot be read. */
#define GUEST_READ_NS (10ull * 1000 * 1000 * 1000)
bool guest_time_is_most(TrackedProcess *p, const SystemRoot *root, uint64_t now_ns);
