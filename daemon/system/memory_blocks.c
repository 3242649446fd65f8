/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/memory_blocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/prefix.h"
#include "system/file.h"

/* 64 TiB in the smallest blocks, of 128 MiB. */
#define BLOCKS_MAX (512u * 1024)

/* A block that two nodes list. */
#define NODE_SEVERAL (-2)

struct MemoryBlocks {
        uint64_t block_bytes;
        uint32_t n;    /* blocks 0..n-1 */
        int16_t *node; /* [n] */
};

DEFINE_CLEANUP(MemoryBlocks, memory_blocks_free)

static int grow(MemoryBlocks *b, uint32_t n) {
        int16_t *node = reallocarray(b->node, n, sizeof(*node));

        if (!node)
                return -ENOMEM;
        for (uint32_t i = b->n; i < n; i++)
                node[i] = NODE_NONE;
        b->node = node;
        b->n = n;
        return 0;
}

static int add_block(MemoryBlocks *b, const char *name, int node) {
        const char *digits = after_prefix(name, "memory");
        uint64_t number;
        int r;

        if (!digits || parse_u64(digits, BLOCKS_MAX - 1, &number) < 0)
                return 0;
        if (number >= b->n) {
                r = grow(b, (uint32_t)number + 1);
                if (r < 0)
                        return r;
        }
        b->node[number] = (int16_t)(b->node[number] == NODE_NONE ? node : NODE_SEVERAL);
        return 0;
}

static int read_node(MemoryBlocks *b, const SystemRoot *root, int id, int node) {
        cleanup_closedir DIR *dir = NULL;
        struct dirent *entry;
        char path[64];
        int fd, r;

        snprintf(path, sizeof(path), "devices/system/node/node%d", id);
        fd = openat(root->sys_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir))) {
                r = add_block(b, entry->d_name, node);
                if (r < 0)
                        return r;
        }
        return 0;
}

int memory_blocks_read(MemoryBlocks **ret, const SystemRoot *root, const Topology *t) {
        cleanup(cleanup_memory_blocks_freep) MemoryBlocks *b = calloc(1, sizeof(*b));
        char text[32], *end;
        int r;

        if (!b)
                return -ENOMEM;
        r = file_read(root->sys_fd, "devices/system/memory/block_size_bytes", text, sizeof(text));
        if (r < 0)
                return r;
        b->block_bytes = strtoull(text, &end, 16); /* without 0x */
        if (end == text || b->block_bytes == 0)
                return -EBADMSG;
        for (uint32_t i = 0; i < t->n_nodes; i++) {
                r = read_node(b, root, t->node_id[i], (int)i);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(b);
        return 0;
}

MemoryBlocks *memory_blocks_free(MemoryBlocks *b) {
        if (!b)
                return NULL;
        free(b->node);
        free(b);
        return NULL;
}

int memory_blocks_node(const MemoryBlocks *b, uint64_t physical) {
        uint64_t number = physical / b->block_bytes;

        return number < b->n && b->node[number] >= 0 ? b->node[number] : NODE_NONE;
}
