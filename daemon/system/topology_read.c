/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/topology_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "system/file.h"
#include "system/meminfo.h"

#define NODE_DIR  "devices/system/node"
#define CPU_DIR   "devices/system/cpu"
#define PATH_SIZE 128

/* A list file, a line of up to FILE_LINE_BYTES. */
static int read_list(int dir_fd, const char *path, unsigned max, ParseRange take, void *userdata) {
        char text[FILE_LINE_BYTES];
        int r = file_read(dir_fd, path, text, sizeof(text));

        if (r < 0)
                return r;
        r = parse_list(text, max, take, userdata);
        return r == -EINVAL ? -EBADMSG : r == -ERANGE ? -E2BIG : r;
}

static int add_nodes(unsigned first, unsigned last, void *userdata) {
        Topology *t = userdata;

        for (unsigned id = first; id <= last; id++) {
                if (t->n_nodes == NODES_MAX)
                        return -E2BIG;
                /* The list ascends; node_id must too. */
                if (t->n_nodes > 0 && (int)id <= t->node_id[t->n_nodes - 1])
                        return -EBADMSG;
                t->node_id[t->n_nodes++] = (int32_t)id;
        }
        return 0;
}

typedef struct CpusOf {
        Topology *topology;
        int node;
} CpusOf;

static int add_cpus(unsigned first, unsigned last, void *userdata) {
        CpusOf *c = userdata;

        for (unsigned cpu = first; cpu <= last; cpu++)
                c->topology->cpu_node[cpu] = (int16_t)c->node;
        if (last >= c->topology->n_cpus)
                c->topology->n_cpus = last + 1;
        if (c->node != NODE_NONE)
                c->topology->has_cpu[c->node] = true;
        return 0;
}

static int parse_distances(Topology *t, uint32_t from, const char *text) {
        char *copy = strdupa(text), *save = NULL;
        uint32_t n = 0;

        for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
                uint64_t distance;

                if (n == t->n_nodes || parse_u64(word, UINT16_MAX, &distance) < 0)
                        return -EBADMSG;
                t->distance[from][n++] = (uint16_t)distance;
        }
        return n == t->n_nodes ? 0 : -EBADMSG;
}

/* Read latency of the memory of node `to` as HMAT tells it for its nearest initiators: access1 names
 * the nearest nodes with CPUs (Linux 5.10), access0 any initiator. Documentation/admin-guide/mm/
 * numaperf.rst. Whatever is missing there stays unknown. */
static void read_hmat(Topology *t, uint32_t to, const SystemRoot *root) {
        for (int class = 1; class >= 0; class --) {
                char path[PATH_SIZE], text[32];
                uint64_t latency;
                bool any = false;

                snprintf(path, sizeof(path), NODE_DIR "/node%d/access%d/initiators/read_latency",
                         t->node_id[to], class);
                if (file_read(root->sys_fd, path, text, sizeof(text)) <= 0)
                        continue;
                text[strcspn(text, "\n")] = 0;
                if (parse_u64(text, UINT32_MAX, &latency) < 0 || latency == 0)
                        continue;
                for (uint32_t from = 0; from < t->n_nodes; from++) {
                        snprintf(path, sizeof(path), NODE_DIR "/node%d/access%d/initiators/node%d",
                                 t->node_id[to], class, t->node_id[from]);
                        if (!t->has_cpu[from] || faccessat(root->sys_fd, path, F_OK, 0) < 0)
                                continue;
                        t->hmat_latency_ns[from][to] = (double)latency;
                        any = true;
                }
                if (any)
                        return;
        }
}

static int read_node(Topology *t, uint32_t index, const SystemRoot *root) {
        CpusOf cpus = { t, (int)index };
        char path[PATH_SIZE], text[4096];
        Meminfo meminfo;
        int r;

        snprintf(path, sizeof(path), NODE_DIR "/node%d/cpulist", t->node_id[index]);
        r = read_list(root->sys_fd, path, CPUS_MAX - 1, add_cpus, &cpus);
        if (r < 0)
                return r;
        r = meminfo_read_node(&meminfo, root, t->node_id[index]);
        if (r < 0)
                return r;
        t->total_bytes[index] = meminfo.total_bytes;
        t->has_memory[index] = meminfo.total_bytes > 0;
        snprintf(path, sizeof(path), NODE_DIR "/node%d/distance", t->node_id[index]);
        r = file_read(root->sys_fd, path, text, sizeof(text));
        if (r < 0)
                return r;
        return parse_distances(t, index, text);
}

/* The kernel was built without NUMA, or hides it. */
static int single_node(Topology *t, const SystemRoot *root) {
        CpusOf cpus = { t, 0 };
        Meminfo meminfo;
        int r;

        t->n_nodes = 1;
        r = read_list(root->sys_fd, CPU_DIR "/online", CPUS_MAX - 1, add_cpus, &cpus);
        if (r < 0)
                return r;
        r = meminfo_read(&meminfo, root);
        if (r < 0)
                return r;
        t->total_bytes[0] = meminfo.total_bytes;
        t->has_memory[0] = true;
        t->distance[0][0] = 10;
        return 0;
}

int topology_read(Topology *ret, const SystemRoot *root) {
        cleanup_free Topology *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        for (int cpu = 0; cpu < CPUS_MAX; cpu++)
                t->cpu_node[cpu] = NODE_NONE;
        r = read_list(root->sys_fd, NODE_DIR "/online", INT16_MAX, add_nodes, t);
        if (r == -ENOENT)
                r = single_node(t, root);
        else if (r == 0 && t->n_nodes == 0)
                r = -EBADMSG;
        else {
                for (uint32_t i = 0; i < t->n_nodes && r == 0; i++)
                        r = read_node(t, i, root);
                for (uint32_t i = 0; i < t->n_nodes && r == 0; i++)
                        read_hmat(t, i, root);
        }
        if (r < 0)
                return r;
        *ret = *t;
        return 0;
}
