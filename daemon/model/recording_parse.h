/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/recording_fields.h"

/* Parts of a line "keyword key=value ..." of a recording. All cut the text up and return 0 or
 * -EBADMSG where nothing else is said. */

/* Cuts the next pair off *rest: 1, or 0 when there is none. */
int recording_take_pair(char **rest, char **ret_key, char **ret_value);

/* A finite number or "nan". */
int recording_parse_number(const char *s, double *ret);

/* Up to n numbers separated by commas. */
int recording_parse_numbers(char *list, double *values, uint32_t n);

/* "A:H:SAMPLES:WAITED,...", into the matrices. */
int recording_parse_accesses(char *list, Evidence *e);

/* A field of a table by its key, or NULL; its value; and all pairs of a line. */
const Field *recording_find_field(const Field *fields, const char *key);
int recording_parse_field(const Field *field, void *base, const char *value);
int recording_parse_fields(const Field *fields, void *base, char *rest);

/* Pairs with integers up to max, of these keys only; what does not occur keeps its value. */
typedef struct RecordingWanted {
        const char *key;
        uint64_t max;
        uint64_t value;
} RecordingWanted;

int recording_parse_wanted(char *rest, RecordingWanted *wanted, size_t n);
