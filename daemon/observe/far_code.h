/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "observe/cpu_state.h"
#include "system/root.h"

/* Code outside of a captured window, read from the memory of the process (proc/PID/mem). Answers are
 * remembered by place. Not thread-safe. */

/* Bytes looked at before and behind the instruction pointer. Most functions are smaller. */
#define FAR_CODE_BYTES 4096

/* Whether a branch with a displacement of 32 bits within FAR_CODE_BYTES of the window's instruction
 * pointer goes there. False where the process cannot be read: it has ended, or is protected. exec_id
 * tells programs apart that had the same pid. */
bool far_code_branches_to(const SystemRoot *root, pid_t pid, uint64_t exec_id, const CodeWindow *w);
