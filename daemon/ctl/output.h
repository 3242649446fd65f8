/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

/* What numabalancerctl prints, from answers of the daemon as JSON. Knows nothing of the bus. The
 * daemon has escaped all text that comes from processes. now_usec is CLOCK_REALTIME. */

/* properties: all of org.numabalancer1.Manager; stats: the answer of GetStats. */
void output_status(FILE *f, json_object *properties, json_object *stats, uint64_t now_usec,
                   bool colour);

/* rows: the answer of ListProcesses. -ENOMEM. */
int output_processes(FILE *f, json_object *rows, bool colour);

/* answer: that of Explain, [reason, text, numbers]. Lines are broken at width columns. */
void output_why(FILE *f, json_object *answer, size_t width);

/* Breaks text at spaces into lines of at most width columns (a longer word stays whole). */
void output_wrapped(FILE *f, const char *text, size_t width);
