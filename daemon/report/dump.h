/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "report/backend.h"
#include "report/history.h"

/* Everything that the control interface knows, as lines of JSON. What is told is copied in the loop and
 * written elsewhere, for as long as the reader takes. */

/* A copy of it all: up to some 12 MB with as many processes as there can be. */
typedef struct DumpSnapshot DumpSnapshot;

/* n_findings findings are copied; now_ns is CLOCK_MONOTONIC. -ENOMEM, or what the backend says. */
int dump_snapshot_new(DumpSnapshot **ret, const ReportBackend *backend, const History *history,
                      const Finding *findings, size_t n_findings, uint64_t now_ns);
DumpSnapshot *dump_snapshot_free(DumpSnapshot *s);

/* One object a line, each with a key "type": status, counter, failure, finding, node, process, job,
 * migration, interval. Ends early when f takes no more. -EIO. Reads nothing but the snapshot. */
int dump_write(FILE *f, const DumpSnapshot *s);
