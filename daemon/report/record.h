/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/outcome.h"
#include "model/plan.h"
#include "model/topology.h"
#include "report/messages.h"

/* A migration record has about 25 fields. */
#define RECORD_FIELDS_MAX 32

/* One journal record being put together: fields "NAME=value" in the order they were added. */
typedef struct Record {
        int priority;
        char *message; /* the sentence, without "MESSAGE=" */
        char *fields[RECORD_FIELDS_MAX];
        size_t n_fields;
        int error; /* first error met while adding: -ENOMEM, -ENOBUFS; 0 = complete */
} Record;

/* Starts a record of this kind: priority, MESSAGE_ID, SYSLOG_IDENTIFIER. */
void record_init(Record *r, MessageKind kind);

/* Starts a record without a kind. */
void record_init_plain(Record *r, int priority);
void record_done(Record *r);

/* Adds field `name` with a value as printf makes it. Values must be valid UTF-8: escape what comes
 * from outside. Errors are kept in r->error; a record that lacks fields is still worth sending. */
void record_add(Record *r, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Adds field `name` with raw text from outside, escaped; nothing when the text is empty. */
void record_add_text(Record *r, const char *name, const char *raw);

/* Sets the sentence. */
void record_set_message(Record *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERRNO and NUMABALANCER_ERRNO_NAME of a positive errno; nothing for 0. */
void record_add_errno(Record *r, int error);

/* Who and where to: pid, start time, comm, unit, from and to nodes (kernel ids), score, remote
 * share before. */
void record_add_move(Record *r, const Move *m, const Topology *t);

/* What a job did so far: job, pages, bytes, passes, duration, reason, error. */
void record_add_outcome(Record *r, const Outcome *o);
