/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/outcome.h"
#include "model/plan.h"
#include "model/topology.h"
#include "model/view.h"
#include "report/messages.h"

/* Sentences of the journal. Pure. */

/* "0,2,5-7" of 64 nodes with ids below 1000 at worst. */
#define DESCRIBE_NODES_BYTES 320

/* A name and pid, escaped: 4 * COMM_BYTES + "[4194304]". */
#define DESCRIBE_PROCESS_BYTES 96

#define DESCRIBE_BYTES 1024

/* Kernel id of a dense index; -1 for NODE_NONE and indices out of range. */
int describe_node_id(const Topology *t, int index);

/* Kernel ids of a mask as the kernel writes lists: "1", "0,2-3"; "" for none. Returns buf. */
char *describe_node_list(char *buf, size_t size, const Topology *t, NodeMask mask);

/* "redis-server[812]", the name escaped. Returns buf. */
char *describe_process(char *buf, size_t size, const char *comm, pid_t pid);

/* Which kind of record the end of a job is. */
MessageKind describe_outcome_kind(const Outcome *o);

/* "moved redis-server[812] node1 to node0: 131072 pages in 1.9 s, 0 failed; remote share 97 % to
 * 1 %" and its relatives. Return buf (DESCRIBE_BYTES suffices). */
char *describe_outcome(char *buf, size_t size, const Outcome *o, const Topology *t);
char *describe_would_migrate(char *buf, size_t size, const Move *m, const Topology *t);
char *describe_retry(char *buf, size_t size, const Outcome *o, const Topology *t);
char *describe_left_alone(char *buf, size_t size, const ProcessInfo *info, const Verdict *v,
                          uint64_t now_ns);
char *describe_no_help(char *buf, size_t size, const Outcome *o, const Topology *t);
char *describe_node_full(char *buf, size_t size, const Outcome *o, const Topology *t);
char *describe_started(char *buf, size_t size, const StatusView *s);
char *describe_stopping(char *buf, size_t size, const StatusView *s);
char *describe_state(char *buf, size_t size, const StatusView *s);
char *describe_source(char *buf, size_t size, const StatusView *s);

/* comm NULL or "": not known who it is. */
char *describe_other_mover(char *buf, size_t size, const char *comm, pid_t pid, bool present);
