/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MAX (1u << 24)

typedef struct Slot {
        TableKey key;
        uint32_t next_free; /* slot number + 1, 0 ends the list; only while not used */
        bool used;
} Slot;

struct Table {
        uint32_t capacity;
        uint32_t count;
        uint32_t ever_used;  /* slots [0, ever_used) have been used at least once */
        uint32_t first_free; /* slot number + 1, 0: none */
        uint32_t index_mask;
        uint32_t *index; /* slot number + 1, 0: empty; at most half full */
        Slot *slots;
        unsigned char *values;
        size_t stride;
};

/* Finaliser of MurmurHash3, which spreads consecutive pids over the whole index. */
static uint64_t mix(uint64_t x) {
        x ^= x >> 33;
        x *= 0xff51afd7ed558ccdull;
        x ^= x >> 33;
        x *= 0xc4ceb9fe1a85ec53ull;
        return x ^ x >> 33;
}

static uint32_t home_of(const Table *t, TableKey key) {
        return (uint32_t)mix(mix(key.a) ^ key.b) & t->index_mask;
}

static bool key_equal(TableKey a, TableKey b) {
        return a.a == b.a && a.b == b.b;
}

int table_new(Table **ret, uint32_t capacity, size_t value_size) {
        size_t align = alignof(max_align_t);
        uint32_t size = 2;
        Table *t;

        if (capacity == 0 || capacity > CAPACITY_MAX || value_size == 0 ||
            value_size > SIZE_MAX - align)
                return -EINVAL;
        while (size < 2 * capacity)
                size *= 2;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->capacity = capacity;
        t->index_mask = size - 1;
        t->stride = (value_size + align - 1) / align * align;
        t->index = calloc(size, sizeof(*t->index));
        t->slots = calloc(capacity, sizeof(*t->slots));
        t->values = calloc(capacity, t->stride);
        if (!t->index || !t->slots || !t->values) {
                table_free(t);
                return -ENOMEM;
        }
        *ret = t;
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        free(t->index);
        free(t->slots);
        free(t->values);
        free(t);
        return NULL;
}

uint32_t table_count(const Table *t) {
        return t->count;
}

uint32_t table_capacity(const Table *t) {
        return t->capacity;
}

/* Position in the index that holds the key, or the empty one where it belongs. */
static uint32_t locate(const Table *t, TableKey key) {
        uint32_t i = home_of(t, key);

        while (t->index[i] && !key_equal(t->slots[t->index[i] - 1].key, key))
                i = (i + 1) & t->index_mask;
        return i;
}

static void *value_of(const Table *t, uint32_t slot) {
        return t->values + slot * t->stride;
}

void *table_find(const Table *t, TableKey key) {
        uint32_t entry = t->index[locate(t, key)];

        return entry ? value_of(t, entry - 1) : NULL;
}

int table_insert(Table *t, TableKey key, void **ret_value) {
        uint32_t i = locate(t, key), slot;

        if (t->index[i]) {
                *ret_value = value_of(t, t->index[i] - 1);
                return 0;
        }
        if (t->first_free) {
                slot = t->first_free - 1;
                t->first_free = t->slots[slot].next_free;
        } else if (t->ever_used < t->capacity)
                slot = t->ever_used++;
        else
                return -ENOSPC;
        t->slots[slot] = (Slot) { .key = key, .used = true };
        t->index[i] = slot + 1;
        t->count++;
        *ret_value = memset(value_of(t, slot), 0, t->stride);
        return 1;
}

bool table_remove(Table *t, TableKey key) {
        uint32_t hole = locate(t, key), slot;

        if (!t->index[hole])
                return false;
        slot = t->index[hole] - 1;
        /* Close the gap: whatever probing could reach only across the hole moves into it. */
        for (uint32_t i = (hole + 1) & t->index_mask; t->index[i]; i = (i + 1) & t->index_mask) {
                uint32_t home = home_of(t, t->slots[t->index[i] - 1].key);

                if (((i - home) & t->index_mask) >= ((i - hole) & t->index_mask)) {
                        t->index[hole] = t->index[i];
                        hole = i;
                }
        }
        t->index[hole] = 0;
        t->slots[slot] = (Slot) { .next_free = t->first_free };
        t->first_free = slot + 1;
        t->count--;
        return true;
}

void table_clear(Table *t) {
        memset(t->index, 0, ((size_t)t->index_mask + 1) * sizeof(*t->index));
        memset(t->slots, 0, (size_t)t->ever_used * sizeof(*t->slots));
        t->count = t->ever_used = t->first_free = 0;
}

void *table_next(const Table *t, uint32_t *cursor, TableKey *ret_key) {
        while (*cursor < t->ever_used) {
                uint32_t slot = (*cursor)++;

                if (!t->slots[slot].used)
                        continue;
                if (ret_key)
                        *ret_key = t->slots[slot].key;
                return value_of(t, slot);
        }
        return NULL;
}
