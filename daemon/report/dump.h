/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "report/backend.h"
#include "report/history.h"

/* Everything that the control interface knows, as lines of JSON: one object a line, each with a key
 * "type": status, counter, failure, process, node, job, migration, interval, finding. now_ns is
 * CLOCK_MONOTONIC. -ENOMEM, -EIO. */
int dump_write(FILE *f, const ReportBackend *backend, const History *history, uint64_t now_ns);
