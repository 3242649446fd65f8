/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording_parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

int recording_take_pair(char **rest, char **ret_key, char **ret_value) {
        char *pair;

        if (!*rest)
                return 0;
        pair = strsep(rest, " ");
        *ret_value = strchr(pair, '=');
        if (!*ret_value)
                return -EBADMSG;
        *(*ret_value)++ = 0;
        *ret_key = pair;
        return 1;
}

static int parse_text(const char *s, char *dst, size_t size) {
        size_t n = 0;

        memset(dst, 0, size);
        for (; *s; s++) {
                unsigned c = (unsigned char)*s;

                if (c == '\\') {
                        if (s[1] != 'x' || !isxdigit((unsigned char)s[2]) ||
                            !isxdigit((unsigned char)s[3]))
                                return -EBADMSG;
                        c = (unsigned)strtoul((char[]) { s[2], s[3], 0 }, NULL, 16);
                        s += 3;
                }
                if (n + 1 >= size)
                        return -EBADMSG;
                dst[n++] = (char)c;
        }
        return 0;
}

int recording_parse_number(const char *s, double *ret) {
        if (strcmp(s, "nan") == 0) {
                *ret = NAN;
                return 0;
        }
        return parse_double(s, ret);
}

int recording_parse_field(const Field *field, void *base, const char *value) {
        void *p = (char *)base + field->offset;
        uint64_t u = 0;
        int64_t i = 0;
        int r = 0;

        switch (field->type) {
        case FIELD_BOOL:
                r = parse_u64(value, 1, &u);
                *(bool *)p = u;
                break;
        case FIELD_INT:
                r = parse_i64(value, INT32_MIN, INT32_MAX, &i);
                *(int *)p = (int)i;
                break;
        case FIELD_U32:
                r = parse_u64(value, UINT32_MAX, &u);
                *(uint32_t *)p = (uint32_t)u;
                break;
        case FIELD_U64:
                r = parse_u64(value, UINT64_MAX, p);
                break;
        case FIELD_DOUBLE:
                r = recording_parse_number(value, p);
                break;
        case FIELD_TEXT:
                r = parse_text(value, p, field->size);
                break;
        case FIELD_SOURCE:
                r = evidence_source_from_string(value);
                *(EvidenceSource *)p = r < 0 ? SOURCE_NONE : (EvidenceSource)r;
                break;
        case FIELD_REASON:
                r = reason_from_string(value);
                *(Reason *)p = r < 0 ? REASON_NONE : (Reason)r;
                break;
        }
        return r < 0 ? -EBADMSG : 0;
}

const Field *recording_find_field(const Field *fields, const char *key) {
        for (; fields->key; fields++)
                if (strcmp(fields->key, key) == 0)
                        return fields;
        return NULL;
}

int recording_parse_numbers(char *list, double *values, uint32_t n) {
        for (uint32_t i = 0; list; i++) {
                const char *item = strsep(&list, ",");

                if (i >= n || recording_parse_number(item, &values[i]) < 0)
                        return -EBADMSG;
        }
        return 0;
}

int recording_parse_accesses(char *list, Evidence *e) {
        while (list) {
                char *item = strsep(&list, ",");
                uint64_t a, h;
                size_t cell;

                if (parse_u64(strsep(&item, ":"), e->n_nodes - 1, &a) < 0 || !item ||
                    parse_u64(strsep(&item, ":"), e->n_nodes - 1, &h) < 0 || !item)
                        return -EBADMSG;
                cell = a * e->n_nodes + h;
                if (recording_parse_number(strsep(&item, ":"), &e->access[cell]) < 0 || !item ||
                    recording_parse_number(item, &e->waited[cell]) < 0)
                        return -EBADMSG;
        }
        return 0;
}

int recording_parse_wanted(char *rest, RecordingWanted *wanted, size_t n) {
        char *key, *value;
        int r;

        while ((r = recording_take_pair(&rest, &key, &value)) > 0) {
                size_t i = 0;

                while (i < n && strcmp(wanted[i].key, key) != 0)
                        i++;
                if (i == n || parse_u64(value, wanted[i].max, &wanted[i].value) < 0)
                        return -EBADMSG;
        }
        return r;
}

int recording_parse_fields(const Field *fields, void *base, char *rest) {
        char *key, *value;
        int k;

        while ((k = recording_take_pair(&rest, &key, &value)) > 0) {
                const Field *field = recording_find_field(fields, key);

                if (!field || recording_parse_field(field, base, value) < 0)
                        return -EBADMSG;
        }
        return k;
}
