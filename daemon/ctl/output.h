/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "ctl/data.h"

/* What numabalancerctl prints, from answers of the daemon as JSON. Knows nothing of the bus. The
 * daemon has escaped all text that comes from processes. now_usec is CLOCK_REALTIME. */

/* properties: all of org.numabalancer1.Manager; stats: the answer of GetStats; jobs (may be NULL):
 * that of ListJobs. */
void output_status(FILE *f, json_object *properties, json_object *stats, json_object *jobs,
                   uint64_t now_usec, bool colour);

/* One line for each of the first max unfinished jobs of ListJobs with its progress, and one that counts
 * the others; nothing when there is none. */
void output_progress(FILE *f, json_object *jobs, size_t max);

/* "[#######.............]": how much of the width of 20 is done, a share 0..1. Returns buf. */
#define OUTPUT_BAR_BYTES 23
char *output_bar(char buf[static OUTPUT_BAR_BYTES], double share);

/* One picture of `numabalancerctl top`; previous (may be NULL) is the one before, for rates. -ENOMEM. */
int output_top(FILE *f, const DaemonData *now, const DaemonData *previous);

/* rows: the answer of ListProcesses. -ENOMEM. */
int output_processes(FILE *f, json_object *rows, bool colour);

/* answer: that of Explain, [reason, text, numbers]. Lines are broken at width columns. */
void output_why(FILE *f, json_object *answer, size_t width);

/* Breaks text at spaces into lines of at most width columns (a longer word stays whole). */
void output_wrapped(FILE *f, const char *text, size_t width);

/* process: the answer of GetProcess. */
void output_show(FILE *f, json_object *process, bool colour);

/* nodes: the answer of ListNodes. Two tables: the nodes, and who accesses whose memory. -ENOMEM. */
int output_nodes(FILE *f, json_object *nodes, bool colour);

/* The same in one table: what of all accesses goes from the CPUs of a node to each other is in its row. */
int output_nodes_compact(FILE *f, json_object *nodes, bool colour);

/* The accesses from each node to each other as a table of percentages of all; matrix is an array of
 * arrays in the order of ids. -ENOMEM. */
int output_matrix(FILE *f, json_object *ids, json_object *matrix, bool colour);

/* rows: the answer of GetHistory. -ENOMEM. */
int output_history(FILE *f, json_object *rows, bool colour);

/* jobs: the answer of ListJobs; migrations: that of ListMigrations. -ENOMEM. */
int output_jobs(FILE *f, json_object *jobs, json_object *migrations, bool colour);

/* A self-contained HTML page: state, remote share and moved bytes over time, accesses by node, moves,
 * processes. history: the answer of GetHistory; migrations: that of ListMigrations. */
typedef struct ReportData {
        DaemonData now;
        json_object *history;
        json_object *migrations;
        uint64_t now_usec;
} ReportData;
void output_report(FILE *f, const ReportData *data);

/* Ascending numbers as a list of ranges, "0-1,3", and a newline. */
void output_list(FILE *f, json_object *numbers);

/* findings: the answer of Diagnose. */
void output_doctor(FILE *f, json_object *findings, bool colour);

/* Whether none of the findings is missing, so that the daemon can act. */
bool findings_allow_acting(json_object *findings);

/* "2026-03-01 12:00:00 UTC" in the local time zone; returns buf. */
const char *output_time(char *buf, size_t size, uint64_t usec);

/* What a reason code means, or the code itself when it is not known here. */
const char *output_reason(const char *code);
