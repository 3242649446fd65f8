/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/other_mover.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prefix.h"
#include "system/file.h"

/* Directories of DAMON are numbered from 0; more than so many are not looked at. */
#define DAMON_MAX 16

#define DAMON_DIRECTORY "kernel/mm/damon/admin/kdamonds"

bool other_mover_is_known(const char *comm) {
        static const char *const names[] = { "numad", "memtierd", "autonuma" };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (strcmp(comm, names[i]) == 0)
                        return true;
        return false;
}

static void scan_open(MoverScan *scan, const SystemRoot *root) {
        int fd = openat(root->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return;
        scan->dir = fdopendir(fd);
        if (!scan->dir)
                close(fd);
}

/* Anybody can call a program "numad"; only root's may move what is not theirs. In tests, the owner of
 * the directory stands for root. */
static bool belongs_to_root(const SystemRoot *root, const char *name) {
        struct stat process, top;

        return fstat(root->proc_fd, &top) == 0 &&
               fstatat(root->proc_fd, name, &process, AT_SYMLINK_NOFOLLOW) == 0 &&
               process.st_uid == top.st_uid;
}

static bool look_at(const SystemRoot *root, const char *name, ForeignMover *ret) {
        char path[300], comm[64];

        snprintf(path, sizeof(path), "%s/comm", name);
        if (file_read(root->proc_fd, path, comm, sizeof(comm)) <= 0)
                return false;
        comm[strcspn(comm, "\n")] = '\0';
        if (!other_mover_is_known(comm) || !belongs_to_root(root, name) ||
            sscanf(name, "%d", &ret->pid) != 1)
                return false;
        ret->pages = 0;
        snprintf(ret->comm, sizeof(ret->comm), "%.*s", COMM_BYTES - 1, comm);
        return true;
}

int mover_scan_step(MoverScan *scan, const SystemRoot *root, unsigned max, ForeignMover *ret) {
        const struct dirent *entry;

        if (!scan->dir)
                scan_open(scan, root);
        for (unsigned n = 0; scan->dir && n < max;) {
                entry = readdir(scan->dir);
                if (!entry) {
                        mover_scan_done(scan);
                        break;
                }
                if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
                        continue;
                n++;
                if (look_at(root, entry->d_name, ret))
                        return 1;
        }
        return 0;
}

void mover_scan_done(MoverScan *scan) {
        if (scan->dir)
                closedir(scan->dir);
        scan->dir = NULL;
}

static bool starts_with(const SystemRoot *root, const char *path, const char *wanted) {
        char text[64];

        return file_read(root->sys_fd, path, text, sizeof(text)) > 0 && after_prefix(text, wanted);
}

static bool context_migrates(const SystemRoot *root, unsigned kdamond, unsigned context) {
        char path[160];

        for (unsigned i = 0; i < DAMON_MAX; i++) {
                snprintf(path, sizeof(path), DAMON_DIRECTORY "/%u/contexts/%u/schemes/%u/action",
                         kdamond, context, i);
                if (faccessat(root->sys_fd, path, F_OK, 0) < 0)
                        return false;
                if (starts_with(root, path, "migrate_"))
                        return true;
        }
        return false;
}

bool damon_migrates(const SystemRoot *root) {
        char path[160];

        for (unsigned i = 0; i < DAMON_MAX; i++) {
                snprintf(path, sizeof(path), DAMON_DIRECTORY "/%u/state", i);
                if (faccessat(root->sys_fd, path, F_OK, 0) < 0)
                        return false;
                if (!starts_with(root, path, "on"))
                        continue;
                for (unsigned k = 0; k < DAMON_MAX; k++)
                        if (context_migrates(root, i, k))
                                return true;
        }
        return false;
}
