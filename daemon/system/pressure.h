/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "system/root.h"

typedef enum PressureResource {
        PRESSURE_CPU,
        PRESSURE_MEMORY,
        PRESSURE_IO,
        PRESSURE_RESOURCE_MAX,
} PressureResource;

/* Percent of the last 10 s in which some task waited for the resource: "some avg10" of
 * proc/pressure, Documentation/accounting/psi.rst. -ENOENT, -EOPNOTSUPP: the kernel does not tell;
 * -EBADMSG: it does not parse. */
int pressure_read(const SystemRoot *root, PressureResource resource, double *ret_percent);
