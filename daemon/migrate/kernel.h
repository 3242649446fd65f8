/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "migrate/mover.h"

/* The running kernel behind MoverKernel. */

typedef struct KernelContext {
        const Topology *topology;
        const SystemRoot *root;
} KernelContext;

/* Fills *ret with functions that work on the running machine; context, topology and root must live
 * as long as *ret. */
void kernel_init(MoverKernel *ret, KernelContext *context, const Topology *topology,
                 const SystemRoot *root);
