/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/sort.h"

#include <string.h>

static void swap(char *a, char *b, size_t size) {
        char t[SORT_SIZE_MAX];

        memcpy(t, a, size);
        memcpy(a, b, size);
        memcpy(b, t, size);
}

/* Lets the element at `root` sink until none of its children is greater. */
static void sift_down(char *base, size_t root, size_t n, size_t size, SortCompare compare,
                      void *userdata) {
        for (size_t child; (child = 2 * root + 1) < n; root = child) {
                if (child + 1 < n &&
                    compare(base + child * size, base + (child + 1) * size, userdata) < 0)
                        child++;
                if (compare(base + root * size, base + child * size, userdata) >= 0)
                        return;
                swap(base + root * size, base + child * size, size);
        }
}

void sort_in_place(void *base, size_t n, size_t size, SortCompare compare, void *userdata) {
        char *b = base;

        for (size_t i = n / 2; i > 0; i--)
                sift_down(b, i - 1, n, size, compare, userdata);
        for (size_t last = n; last > 1; last--) {
                swap(b, b + (last - 1) * size, size);
                sift_down(b, 0, last - 1, size, compare, userdata);
        }
}
