/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bounded hash table of fixed-size values, for state that is kept per process and the like. All
 * memory is allocated by table_new; nothing afterwards can fail for lack of it. Values do not move:
 * a pointer stays valid until its entry is removed. Open addressing with linear probing, deletion
 * by shifting back, so there are no tombstones. */
typedef struct Table Table;

/* Two words, for instance pid and start time. */
typedef struct TableKey {
        uint64_t a;
        uint64_t b;
} TableKey;

/* Room for capacity entries (1..2^24) of value_size bytes (>= 1), aligned for any type. -EINVAL,
 * -ENOMEM. Pages that no entry ever used are not touched. */
int table_new(Table **ret, uint32_t capacity, size_t value_size);

/* Frees the table, not what values point to. NULL-safe, returns NULL. */
Table *table_free(Table *t);

uint32_t table_count(const Table *t);
uint32_t table_capacity(const Table *t);

/* The value, or NULL. */
void *table_find(const Table *t, TableKey key);

/* Finds or adds: returns 1 and a zeroed new value, 0 and the existing value, or -ENOSPC. */
int table_insert(Table *t, TableKey key, void **ret_value);

/* Whether there was such an entry. */
bool table_remove(Table *t, TableKey key);

void table_clear(Table *t);

/* Walks all entries: start with *cursor = 0; NULL at the end. ret_key may be NULL. The entry just
 * returned may be removed; entries added during the walk may or may not be seen. The order depends
 * only on the history of inserts and removes. */
void *table_next(const Table *t, uint32_t *cursor, TableKey *ret_key);
