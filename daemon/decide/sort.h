/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Largest element that sort_in_place() takes. */
#define SORT_SIZE_MAX 64

/* Less than, equal to or greater than 0, as for qsort_r(3). Only elements that are the same may be
 * equal, else their order is not defined. */
typedef int (*SortCompare)(const void *a, const void *b, void *userdata);

/* Heap sort: qsort_r(3) takes memory for larger arrays, this takes none. size <= SORT_SIZE_MAX. */
void sort_in_place(void *base, size_t n, size_t size, SortCompare compare, void *userdata);
