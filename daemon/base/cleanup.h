/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <dirent.h>

/* Variables that release what they hold when they go out of scope; TAKE_* hands the value on. */

#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_freep(void *p) {
        free(*(void **)p);
}

static inline void cleanup_closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_fclosep(FILE **f) {
        if (*f)
                fclose(*f);
}

static inline void cleanup_closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

#define cleanup_free     cleanup(cleanup_freep)
#define cleanup_close    cleanup(cleanup_closep)
#define cleanup_fclose   cleanup(cleanup_fclosep)
#define cleanup_closedir cleanup(cleanup_closedirp)

/* Defines a cleanup helper for `type *` variables that calls function(pointer) when not NULL. */
#define DEFINE_CLEANUP(type, function)                                                             \
        static inline void cleanup_##function##p(type **p) {                                       \
                if (*p)                                                                            \
                        function(*p);                                                              \
        }

#define TAKE_PTR(p)                                                                                \
        ({                                                                                         \
                __typeof__(p) taken_ = (p);                                                        \
                (p) = NULL;                                                                        \
                taken_;                                                                            \
        })

#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int taken_ = (fd);                                                                 \
                (fd) = -1;                                                                         \
                taken_;                                                                            \
        })
