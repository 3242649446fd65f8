/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(table, refuses_bad_sizes) {
        Table *t = NULL;

        cr_assert_eq(table_new(&t, 0, 8), -EINVAL);
        cr_assert_eq(table_new(&t, (1u << 24) + 1, 8), -EINVAL);
        cr_assert_eq(table_new(&t, 8, 0), -EINVAL);
        cr_assert_null(t);
        cr_assert_null(table_free(NULL));
}

Test(table, is_bounded) {
        Table *t;
        void *value;

        cr_assert_eq(table_new(&t, 3, sizeof(int)), 0);
        for (uint64_t i = 0; i < 3; i++)
                cr_assert_eq(table_insert(t, (TableKey) { i, 0 }, &value), 1);
        cr_assert_eq(table_insert(t, (TableKey) { 1, 0 }, &value), 0, "exists");
        cr_assert_eq(table_insert(t, (TableKey) { 3, 0 }, &value), -ENOSPC);
        cr_assert_eq(table_insert(t, (TableKey) { 1, 1 }, &value), -ENOSPC, "both words count");
        cr_assert(table_remove(t, (TableKey) { 1, 0 }));
        cr_assert(!table_remove(t, (TableKey) { 1, 0 }));
        cr_assert_eq(table_insert(t, (TableKey) { 3, 0 }, &value), 1);
        cr_assert_eq(*(int *)value, 0, "a new value is zero");
        table_clear(t);
        cr_assert_eq(table_count(t), 0);
        cr_assert_null(table_find(t, (TableKey) { 3, 0 }));
        table_free(t);
}

/* Random inserts and removes against an array that cannot be wrong. */
Test(table, agrees_with_an_array) {
        enum { KEYS = 400, CAPACITY = 256, STEPS = 200000 };
        static int expected[KEYS]; /* 0: not there */
        uint64_t random = 88172645463325252ull;
        int present = 0;
        Table *t;

        cr_assert_eq(table_new(&t, CAPACITY, sizeof(int)), 0);
        for (int step = 1; step <= STEPS; step++) {
                random ^= random << 13, random ^= random >> 7, random ^= random << 17;
                int key = (int)(random % KEYS);
                TableKey k = { (uint64_t)key * 64, 7 };
                int *value = table_find(t, k);

                cr_assert_eq(value ? *value : 0, expected[key], "step %d key %d", step, key);
                if (random >> 60 & 1) {
                        void *slot;
                        int r = table_insert(t, k, &slot);

                        cr_assert_eq(r, expected[key] ? 0 : present == CAPACITY ? -ENOSPC : 1);
                        if (r >= 0) {
                                present += r;
                                *(int *)slot = expected[key] = step;
                        }
                } else {
                        cr_assert_eq(table_remove(t, k), expected[key] != 0);
                        present -= expected[key] != 0;
                        expected[key] = 0;
                }
                cr_assert_eq(table_count(t), (uint32_t)present);
        }
        table_free(t);
}

Test(table, walk_sees_each_once_and_allows_removal) {
        int seen[100] = {};
        uint32_t cursor = 0;
        TableKey key;
        void *value;
        Table *t;

        cr_assert_eq(table_new(&t, 100, sizeof(uint64_t)), 0);
        for (uint64_t i = 0; i < 100; i++) {
                cr_assert_eq(table_insert(t, (TableKey) { i, i }, &value), 1);
                *(uint64_t *)value = i;
        }
        while ((value = table_next(t, &cursor, &key))) {
                cr_assert_eq(*(uint64_t *)value, key.a);
                seen[key.a]++;
                if (key.a % 2)
                        table_remove(t, key);
        }
        for (int i = 0; i < 100; i++)
                cr_assert_eq(seen[i], 1, "key %d", i);
        cr_assert_eq(table_count(t), 50);
        table_free(t);
}

Test(table, values_stay_in_place) {
        void *first, *value;
        Table *t;

        cr_assert_eq(table_new(&t, 1000, 24), 0);
        cr_assert_eq(table_insert(t, (TableKey) { 1, 1 }, &first), 1);
        for (uint64_t i = 2; i < 1000; i++)
                table_insert(t, (TableKey) { i, 1 }, &value);
        for (uint64_t i = 2; i < 1000; i++)
                table_remove(t, (TableKey) { i, 1 });
        cr_assert_eq(table_find(t, (TableKey) { 1, 1 }), first);
        table_free(t);
}
