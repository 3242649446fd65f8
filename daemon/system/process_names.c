/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/process_names.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/prefix.h"
#include "base/table.h"
#include "system/file.h"

static const char deleted[] = " (deleted)";

static size_t without_deleted(const char *s, size_t n) {
        size_t suffix = sizeof(deleted) - 1;

        return n > suffix && memcmp(s + n - suffix, deleted, suffix) == 0 ? n - suffix : n;
}

typedef struct CgroupPath {
        char *ret;
        size_t size;
        bool found;
} CgroupPath;

/* "0::/path" or "1:name=systemd:/path"; where there are both, the last one counts, which is version
 * 2 unless systemd uses version 1. */
static int take_cgroup_line(char *line, void *userdata) {
        CgroupPath *p = userdata;
        const char *controllers = strchr(line, ':');
        const char *path;
        size_t n;

        if (!controllers)
                return 0;
        path = after_prefix(controllers, ":name=systemd:");
        if (!path)
                path = after_prefix(line, "0::");
        if (!path)
                return 0;
        /* Beside version 1 of systemd, the unused version 2 has everything in its root. */
        if (p->found && strcmp(path, "/") == 0)
                return 0;
        n = without_deleted(path, strlen(path));
        if (n >= p->size)
                return -ENAMETOOLONG;
        memcpy(p->ret, path, n);
        p->ret[n] = 0;
        p->found = true;
        return 0;
}

int process_read_cgroup(const SystemRoot *root, pid_t pid, char *ret, size_t size) {
        CgroupPath p = { .ret = ret, .size = size };
        char path[64];
        int r;

        snprintf(path, sizeof(path), "%d/cgroup", pid);
        r = file_read_lines(root->proc_fd, path, take_cgroup_line, &p);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        return p.found ? 0 : -ENODATA;
}

int process_read_exe(const SystemRoot *root, pid_t pid, char *ret, size_t size) {
        char path[64];
        ssize_t n;

        snprintf(path, sizeof(path), "%d/exe", pid);
        n = readlinkat(root->proc_fd, path, ret, size);
        if (n < 0) {
                if (errno != ENOENT)
                        return -errno;
                /* Kernel threads have the link, but nothing behind it. */
                snprintf(path, sizeof(path), "%d", pid);
                return faccessat(root->proc_fd, path, F_OK, 0) == 0 ? -ENODATA : -ESRCH;
        }
        if ((size_t)n == size)
                return -ENAMETOOLONG;
        ret[without_deleted(ret, (size_t)n)] = 0;
        return 0;
}

/* More users than this on one machine share no rule that needs their names. */
#define USERS_MAX 4096u

#define NAME_BYTES 64

struct Users {
        Table *names; /* uid -> char[NAME_BYTES] */
};

int users_new(Users **ret) {
        Users *users = calloc(1, sizeof(*users));
        int r;

        if (!users)
                return -ENOMEM;
        r = table_new(&users->names, USERS_MAX, NAME_BYTES);
        if (r < 0) {
                free(users);
                return r;
        }
        *ret = users;
        return 0;
}

Users *users_free(Users *users) {
        if (!users)
                return NULL;
        table_free(users->names);
        free(users);
        return NULL;
}

const char *users_name(Users *users, uid_t uid) {
        TableKey key = { uid, 0 };
        struct passwd entry, *found = NULL;
        char buffer[16384];
        void *name;
        int r = table_insert(users->names, key, &name);

        if (r < 0)
                return NULL;
        if (r == 0)
                return name;
        if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
            strlen(found->pw_name) < NAME_BYTES)
                strcpy(name, found->pw_name);
        else
                snprintf(name, NAME_BYTES, "%u", uid);
        return name;
}
