/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/topology_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mathx.h"
#include "base/parse.h"
#include "base/prefix.h"
#include "system/file.h"
#include "system/meminfo.h"

typedef struct Watermarks {
        const Topology *topology;
        uint64_t pages[NODES_MAX];
        int node; /* index of the node whose zone is being read */
} Watermarks;

/* "Node 0, zone   Normal" begins a zone, "        high     10938" is its high watermark in pages. */
static int take_zone_line(char *line, void *userdata) {
        Watermarks *w = userdata;
        const char *id = after_prefix(line, "Node ");
        const char *pages = after_prefix(line + strspn(line, " "), "high ");
        uint64_t number;

        if (id) {
                line[strcspn(line, ",")] = 0;
                if (parse_u64(id, INT32_MAX, &number) < 0)
                        return -EBADMSG;
                w->node = topology_index_of_id(w->topology, (int)number);
                return 0;
        }
        if (w->node == NODE_NONE || !pages)
                return 0;
        if (parse_u64(pages + strspn(pages, " "), UINT64_MAX, &number) < 0)
                return -EBADMSG;
        w->pages[w->node] = add_sat(w->pages[w->node], number);
        return 0;
}

int node_watermarks_read(NodeState *nodes, const Topology *t, const SystemRoot *root) {
        Watermarks w = { .topology = t, .node = NODE_NONE };
        uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        int r = file_read_lines(root->proc_fd, "zoneinfo", take_zone_line, &w);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < t->n_nodes; i++)
                nodes[i].high_watermark_bytes = mul_sat(w.pages[i], page_bytes);
        return 0;
}

int node_state_read(NodeState *nodes, const Topology *t, const SystemRoot *root) {
        uint64_t available[NODES_MAX];
        bool known = false;
        int r;

        for (uint32_t i = 0; i < t->n_nodes; i++)
                known = known || nodes[i].high_watermark_bytes > 0;
        if (!known) {
                r = node_watermarks_read(nodes, t, root);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < t->n_nodes; i++) {
                Meminfo meminfo;

                r = meminfo_read_node(&meminfo, root, t->node_id[i]);
                /* A kernel without node directories has one node, the machine. */
                if (r == -ENOENT && t->n_nodes == 1)
                        r = meminfo_read(&meminfo, root);
                if (r < 0)
                        return r;
                available[i] = sub_sat(add_sat(meminfo.free_bytes, meminfo.inactive_file_bytes),
                                       nodes[i].high_watermark_bytes);
        }
        for (uint32_t i = 0; i < t->n_nodes; i++)
                nodes[i].available_bytes = available[i];
        return 0;
}
