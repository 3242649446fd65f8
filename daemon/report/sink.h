/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/record.h"

/* Where records go. The logger is the one place with state of its own, so that any part of the
 * daemon may speak. */

typedef enum SinkTarget {
        SINK_AUTO,    /* the journal when stderr is connected to it, else lines on stderr */
        SINK_JOURNAL, /* the journal, whatever stderr is */
        SINK_CONSOLE, /* lines on stderr */
        SINK_NULL,    /* nowhere */
        SINK_TARGET_MAX,
} SinkTarget;

/* The names of org.freedesktop.LogControl1: "auto", "journal", "console", "null". */
const char *sink_target_to_string(SinkTarget target);
int sink_target_from_string(const char *s); /* -EINVAL */

/* "emerg" ... "debug" of syslog(3). */
const char *sink_level_to_string(int level);
int sink_level_from_string(const char *s); /* -EINVAL */

SinkTarget sink_get_target(void);
void sink_set_target(SinkTarget target);

/* Records with a priority number above this are dropped; LOG_INFO at first. */
int sink_get_level(void);
void sink_set_level(int level);

/* Sends a record, or drops it; never blocks and never fails the caller. A journal that cannot be
 * reached is replaced by a line on stderr. */
void sink_send(const Record *r);

/* Pure: the datagram of the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL):
 * "NAME=value\n", or "NAME\n", 64-bit little-endian length, value, "\n" where the value has a
 * newline. *ret is malloc'ed. -ENOMEM. */
int sink_encode(const Record *r, char **ret, size_t *ret_size);

/* Pure: true when value, the environment variable JOURNAL_STREAM ("device:inode"), names this
 * device and inode. */
bool sink_is_journal_stream(const char *value, uint64_t device, uint64_t inode);

/* True when the journal's socket takes datagrams. */
bool sink_journal_is_there(void);

/* Path of the journal's socket, for tests; NULL restores the default. Not copied. */
void sink_set_socket(const char *path);
