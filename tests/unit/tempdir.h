/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own for one test, and files in it. All failures end the test. */
typedef struct TempDir {
        char path[PATH_MAX - 256];
} TempDir;

static inline void tempdir_new(TempDir *d) {
        const char *base = getenv("TMPDIR");

        snprintf(d->path, sizeof(d->path), "%s/numabalancer-XXXXXX", base ? base : "/tmp");
        cr_assert_not_null(mkdtemp(d->path), "mkdtemp: %s", strerror(errno));
        cr_assert_eq(chmod(d->path, 0755), 0);
}

static inline int tempdir_remove_entry(const char *path, const struct stat *st, int type,
                                       struct FTW *ftw) {
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

static inline void tempdir_free(TempDir *d) {
        nftw(d->path, tempdir_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* PATH below the directory, valid until the next but seven calls. */
static inline const char *tempdir_path(const TempDir *d, const char *path) {
        static char buffers[8][PATH_MAX];
        static unsigned next;
        char *buffer = buffers[next++ % 8];

        snprintf(buffer, PATH_MAX, "%s/%s", d->path, path);
        return buffer;
}

static inline void tempdir_make_parents(const TempDir *d, const char *path) {
        char copy[PATH_MAX];

        snprintf(copy, sizeof(copy), "%s/%s", d->path, path);
        for (char *p = copy + strlen(d->path) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                cr_assert(mkdir(copy, 0755) == 0 || errno == EEXIST, "%s: %s", copy,
                          strerror(errno));
                *p = '/';
        }
}

/* Writes n bytes to PATH, making directories as needed; returns the whole path. */
static inline const char *tempdir_write_bytes(const TempDir *d, const char *path, const void *data,
                                              size_t n) {
        const char *whole = tempdir_path(d, path);
        FILE *f;

        tempdir_make_parents(d, path);
        f = fopen(whole, "we");
        cr_assert_not_null(f, "%s: %s", whole, strerror(errno));
        cr_assert_eq(fwrite(data, 1, n, f), n);
        cr_assert_eq(fclose(f), 0);
        return whole;
}

static inline const char *tempdir_write(const TempDir *d, const char *path, const char *text) {
        return tempdir_write_bytes(d, path, text, strlen(text));
}

static inline void tempdir_mkdir(const TempDir *d, const char *path) {
        tempdir_make_parents(d, path);
        cr_assert_eq(mkdir(tempdir_path(d, path), 0755), 0, "%s: %s", path, strerror(errno));
}
