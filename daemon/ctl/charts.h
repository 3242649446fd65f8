/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

/* Drawings of the report page, as SVG in HTML: no script, nothing from elsewhere. Exact numbers are in
 * the tool tips (title elements). */

/* rows: the answer of GetHistory. The remote share as a line, interrupted where nothing was measured;
 * what was moved as bars. */
void chart_history(FILE *f, json_object *rows);

/* nodes: the answer of ListNodes. Who accesses whose memory as a heat map: a row for the CPUs of each
 * node, a column for its memory; local accesses in blue, remote ones in red. */
void chart_matrix(FILE *f, json_object *nodes);
