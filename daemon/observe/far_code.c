/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/far_code.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/arrival.h"

#define PAGE 4096u

/* Programs spend their time in few places. */
#define PLACES 4096

typedef struct Place {
        uint64_t key; /* 0: empty */
        bool branches;
} Place;

/* Parts of the neighbourhood may not be mapped, so what cannot be read at once is read by page. */
static bool read_and_search(int fd, uint64_t ip) {
        uint8_t code[2 * FAR_CODE_BYTES + PAGE];
        uint64_t from = ip - FAR_CODE_BYTES, end = ip + FAR_CODE_BYTES;
        ssize_t n = pread(fd, code, end - from, (off_t)from);

        if (n == (ssize_t)(end - from))
                return code_branches_to(code, (size_t)n, from, ip);
        for (uint64_t page = from & ~(uint64_t)(PAGE - 1); page < end; page += PAGE) {
                n = pread(fd, code, PAGE, (off_t)page);
                if (n > 0 && code_branches_to(code, (size_t)n, page, ip))
                        return true;
        }
        return false;
}

bool far_code_branches_to(const SystemRoot *root, pid_t pid, uint64_t exec_id,
                          const CodeWindow *w) {
        static Place places[PLACES];
        uint64_t identity[4] = { (uint64_t)pid, exec_id, w->ip,
                                 code_hash(w->at_ip - w->before, (size_t)(w->before + w->after)) };
        uint64_t key = code_hash((const uint8_t *)identity, sizeof(identity)) | 1;
        Place *place = &places[(key >> 1) % PLACES];
        cleanup_close int fd = -1;
        char path[32];

        if (place->key == key)
                return place->branches;
        if (w->ip < FAR_CODE_BYTES || w->ip > INT64_MAX - FAR_CODE_BYTES)
                return false;
        snprintf(path, sizeof(path), "%d/mem", (int)pid);
        fd = openat(root->proc_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        *place = (Place) { key, read_and_search(fd, w->ip) };
        return place->branches;
}
