/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/topology.h"
#include "model/view.h"

#define EXPLAIN_BYTES 2048

/* Adds why the daemon itself does nothing at present, when it does not watch and act. Returns buf. */
char *explain_daemon(char *buf, size_t size, const StatusView *s);

/* Plain English sentences for `numabalancerctl why`: what was seen of the process (with confidence
 * bounds), what decided, against which threshold, and what would have to change. Pure; now_ns is
 * CLOCK_MONOTONIC. Text from outside is escaped. Returns buf (EXPLAIN_BYTES suffices). */
char *explain_process(char *buf, size_t size, const ProcessRow *row, const Topology *t,
                      uint64_t now_ns);
