/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <errno.h>
#include <stdlib.h>

/* Makes `array` hold at least `wanted` elements; grows by half so that a slowly growing machine
 * does not allocate on every evaluation. 0, or -ENOMEM and nothing changed. */
#define GROW(array, allocated, wanted)                                                             \
        ({                                                                                         \
                void *grown_ = grow_array((array), &(allocated), (wanted), sizeof(*(array)));      \
                if (grown_)                                                                        \
                        (array) = grown_;                                                          \
                grown_ ? 0 : -ENOMEM;                                                              \
        })

/* The array, moved if need be; NULL when there is no memory. */
static inline void *grow_array(void *array, size_t *allocated, size_t wanted, size_t size) {
        size_t target = *allocated + *allocated / 2;
        void *p;

        if (array && wanted <= *allocated)
                return array;
        if (target < wanted)
                target = wanted;
        if (target < 64)
                target = 64;
        p = reallocarray(array, target, size);
        if (p)
                *allocated = target;
        return p;
}
