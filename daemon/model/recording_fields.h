/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/evidence.h"
#include "model/outcome.h"
#include "model/process.h"

/* The fields of a recording's lines as tables, shared by writer and reader. */

typedef enum FieldType {
        FIELD_BOOL,
        FIELD_INT, /* int and enums */
        FIELD_U32,
        FIELD_U64,
        FIELD_DOUBLE, /* finite, or nan */
        FIELD_TEXT,   /* char array of `size` bytes, NUL-terminated */
        FIELD_SOURCE,
        FIELD_REASON,
} FieldType;

typedef struct Field {
        const char *key; /* NULL ends a table */
        FieldType type;
        size_t offset;
        size_t size; /* of a FIELD_TEXT */
} Field;

/* A process line: information, and what belongs to its evidence and residency lines. */
typedef struct RecordedProcess {
        ProcessInfo info;
        Evidence evidence;
        uint64_t exec_id;
        bool busy;
        bool has_evidence;
        bool has_resident;
        size_t first_region; /* in what is recorded of all */
        size_t n_regions;
} RecordedProcess;

extern const Field recording_process_fields[];  /* of RecordedProcess */
extern const Field recording_evidence_fields[]; /* of Evidence, without the matrices */
extern const Field recording_outcome_fields[];  /* of Outcome, with its move */
