/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/topology_read.h"

#include "machine.h"

static Machine m;
static Topology t;

static void begin(void) {
        machine_new(&m);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(topology, .init = begin, .fini = end);

static int read_it(void) {
        system_root_close(&m.root);
        machine_open(&m);
        return topology_read(&t, &m.root);
}

Test(topology, two_nodes) {
        static const MachineNode nodes[] = {
                { 0, "0-3,8-11", "10 21", 16384, 0, 0, 1 },
                { 1, "4-7,12-15", "21 10", 8192, 0, 0, 1 },
        };

        machine_nodes(&m, nodes, 2, "0-1");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_nodes, 2);
        cr_assert_eq(t.n_cpus, 16);
        cr_assert_eq(t.cpu_node[0], 0);
        cr_assert_eq(t.cpu_node[7], 1);
        cr_assert_eq(t.cpu_node[8], 0);
        cr_assert_eq(t.cpu_node[15], 1);
        cr_assert_eq(t.cpu_node[16], NODE_NONE);
        cr_assert_eq(t.total_bytes[0], 16ull << 30);
        cr_assert_eq(t.distance[0][1], 21);
        cr_assert_eq(t.distance[1][1], 10);
        cr_assert_eq(t.hmat_latency_ns[0][1], 0);
        cr_assert(!topology_is_flat(&t));
}

/* Kernel ids with gaps and distances that differ by direction. */
Test(topology, four_nodes_sparse_and_asymmetric) {
        static const MachineNode nodes[] = {
                { 0, "0-1", "10 16 32 33", 1024, 0, 0, 1 },
                { 2, "2-3", "17 10 25 28", 1024, 0, 0, 1 },
                { 8, "4-5", "30 26 10 14", 1024, 0, 0, 1 },
                { 9, "6,7", "34 29 15 10", 1024, 0, 0, 1 },
        };

        machine_nodes(&m, nodes, 4, "0,2,8-9");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_nodes, 4);
        cr_assert_eq(t.node_id[1], 2);
        cr_assert_eq(t.node_id[3], 9);
        cr_assert_eq(topology_index_of_id(&t, 8), 2);
        cr_assert_eq(t.cpu_node[4], 2);
        cr_assert_eq(t.distance[0][3], 33);
        cr_assert_eq(t.distance[3][0], 34);
        cr_assert_eq(t.distance[1][2], 25);
        cr_assert_eq(t.distance[2][1], 26);
}

Test(topology, nodes_without_cpus_or_memory) {
        static const MachineNode nodes[] = {
                { 0, "0-3", "10 20 17", 1024, 0, 0, 1 },
                { 1, "4-7", "20 10 28", 0, 0, 0, 1 },
                { 2, "", "17 28 10", 65536, 0, 0, 1 },
        };

        machine_nodes(&m, nodes, 3, "0-2");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(topology_cpu_mask(&t), 3);
        cr_assert_eq(topology_memory_mask(&t), 5);
        cr_assert_eq(t.total_bytes[1], 0);
}

Test(topology, one_node) {
        static const MachineNode nodes[] = { { 0, "0-1", "10", 2048, 0, 0, 1 } };

        machine_nodes(&m, nodes, 1, "0");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_nodes, 1);
        cr_assert(topology_is_flat(&t));
}

Test(topology, kernel_without_numa) {
        machine_file(&m, "sys/devices/system/cpu/online", "0-2,4\n");
        machine_file(&m, "proc/meminfo",
                     "MemTotal:  2048 kB\nMemFree:  1024 kB\nInactive(file):  512 kB\n");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_nodes, 1);
        cr_assert_eq(t.node_id[0], 0);
        cr_assert_eq(t.n_cpus, 5);
        cr_assert_eq(t.cpu_node[4], 0);
        cr_assert_eq(t.cpu_node[3], NODE_NONE);
        cr_assert_eq(t.distance[0][0], 10);
        cr_assert_eq(t.total_bytes[0], 2 << 20);
        cr_assert(topology_is_flat(&t));
}

/* access1 (nearest CPUs) is preferred; a node without CPUs is no source of accesses. */
Test(topology, hmat) {
        static const MachineNode nodes[] = {
                { 0, "0-3", "10 21 17", 1024, 0, 0, 1 },
                { 1, "4-7", "21 10 28", 1024, 0, 0, 1 },
                { 2, "", "17 28 10", 65536, 0, 0, 1 },
        };

        machine_nodes(&m, nodes, 3, "0-2");
        machine_file(&m, "sys/devices/system/node/node0/access0/initiators/read_latency", "80\n");
        machine_file(&m, "sys/devices/system/node/node0/access0/initiators/node0/x", " ");
        machine_file(&m, "sys/devices/system/node/node2/access0/initiators/read_latency", "1\n");
        machine_file(&m, "sys/devices/system/node/node2/access0/initiators/node2/x", " ");
        machine_file(&m, "sys/devices/system/node/node2/access1/initiators/read_latency", "250\n");
        machine_file(&m, "sys/devices/system/node/node2/access1/initiators/node0/x", " ");
        machine_file(&m, "sys/devices/system/node/node1/access1/initiators/read_latency", "junk\n");
        machine_file(&m, "sys/devices/system/node/node1/access1/initiators/node1/x", " ");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.hmat_latency_ns[0][0], 80);
        cr_assert_eq(t.hmat_latency_ns[0][2], 250);
        cr_assert_eq(t.hmat_latency_ns[1][2], 0);
        cr_assert_eq(t.hmat_latency_ns[2][2], 0);
        cr_assert_eq(t.hmat_latency_ns[1][1], 0);
}

Test(topology, bounds) {
        char online[512] = "", distances[512] = "";
        MachineNode nodes[NODES_MAX + 1];

        for (int i = 0; i <= NODES_MAX; i++)
                strcat(distances, i ? " 20" : "10");
        for (int i = 0; i <= NODES_MAX; i++)
                nodes[i] = (MachineNode) { .id = i, .cpus = "", .distances = distances };
        snprintf(online, sizeof(online), "0-%d", NODES_MAX);
        machine_nodes(&m, nodes, NODES_MAX + 1, online);
        cr_assert_eq(read_it(), -E2BIG);

        distances[3 * NODES_MAX - 1] = 0;
        machine_nodes(&m, nodes, NODES_MAX, "0-63");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_nodes, NODES_MAX);

        machine_file(&m, "sys/devices/system/node/node0/cpulist", "8191\n");
        cr_assert_eq(read_it(), 0);
        cr_assert_eq(t.n_cpus, CPUS_MAX);
        machine_file(&m, "sys/devices/system/node/node0/cpulist", "8192\n");
        cr_assert_eq(read_it(), -E2BIG);
}

Test(topology, broken_files) {
        static const MachineNode nodes[] = {
                { 0, "0-3", "10 21", 1024, 0, 0, 1 },
                { 1, "4-7", "21 10", 1024, 0, 0, 1 },
        };
        static const struct {
                const char *path, *text;
        } rows[] = {
                { "online", "" },
                { "online", "x\n" },
                { "online", "1,0\n" },
                { "online", "0-1,1\n" },
                { "node0/cpulist", "0-\n" },
                { "node0/distance", "10\n" },
                { "node0/distance", "10 21 21\n" },
                { "node0/distance", "10 65536\n" },
                { "node0/distance", "" },
                { "node1/meminfo", "" },
                { "node1/meminfo", "Node 1 MemTotal: 10 kB\nNode 1 MemFree: 1" },
                { "node1/meminfo", "Node 1 MemTotal: x kB\n" },
        };
        char path[128];
        Topology before;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                machine_nodes(&m, nodes, 2, "0-1");
                snprintf(path, sizeof(path), "sys/devices/system/node/%s", rows[i].path);
                machine_file(&m, path, "%s", rows[i].text);
                memset(&t, 0x5a, sizeof(t));
                before = t;
                cr_expect_eq(read_it(), -EBADMSG, "%s <%s>", rows[i].path, rows[i].text);
                cr_expect_eq(memcmp(&t, &before, sizeof(t)), 0, "%s: result written", rows[i].path);
        }
        machine_nodes(&m, nodes, 2, "0-1");
        cr_assert_eq(read_it(), 0);
        machine_nodes(&m, nodes, 2, "0-1");
        cr_assert_eq(unlink(tempdir_path(&m.dir, "sys/devices/system/node/node1/cpulist")), 0);
        cr_assert_eq(read_it(), -ENOENT, "a node without its file");
}

Test(node_state, available_memory) {
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        NodeState nodes[2] = { { .blocked_until_ns = 7 } };

        machine_two_nodes(&m, &t);
        cr_assert_eq(node_state_read(nodes, &t, &m.root), 0);
        cr_assert_eq(nodes[0].high_watermark_bytes, 2 * 1000 * page);
        cr_assert_eq(nodes[1].high_watermark_bytes, 2 * 2000 * page);
        cr_assert_eq(nodes[0].available_bytes, (1536ull << 20) - 2 * 1000 * page);
        cr_assert_eq(nodes[1].available_bytes, (2304ull << 20) - 2 * 2000 * page);
        cr_assert_eq(nodes[0].blocked_until_ns, 7);

        /* watermarks are kept until they are asked for again */
        machine_file(&m, "proc/zoneinfo", "Node 0, zone Normal\n        high     5\n");
        cr_assert_eq(node_state_read(nodes, &t, &m.root), 0);
        cr_assert_eq(nodes[0].high_watermark_bytes, 2 * 1000 * page);
        cr_assert_eq(node_watermarks_read(nodes, &t, &m.root), 0);
        cr_assert_eq(nodes[0].high_watermark_bytes, 5 * page);
        cr_assert_eq(nodes[1].high_watermark_bytes, 0);
        machine_free(&m);
}

Test(node_state, never_below_zero) {
        static const MachineNode nodes[] = { { 3, "0", "10", 64, 4, 0, 1u << 30 } };
        NodeState state[1] = {};

        machine_new(&m);
        machine_nodes(&m, nodes, 1, "3");
        machine_open(&m);
        cr_assert_eq(topology_read(&t, &m.root), 0);
        cr_assert_eq(node_state_read(state, &t, &m.root), 0);
        cr_assert_eq(state[0].available_bytes, 0);
        machine_file(&m, "sys/devices/system/node/node3/meminfo", "garbage\n");
        state[0].available_bytes = 42;
        cr_assert_eq(node_state_read(state, &t, &m.root), -EBADMSG);
        cr_assert_eq(state[0].available_bytes, 42);
        machine_free(&m);
}

Test(root, opens_and_closes) {
        SystemRoot root = SYSTEM_ROOT_NONE;

        cr_assert_eq(system_root_open(&root, "/nonexistent"), -ENOENT);
        cr_assert_eq(root.proc_fd, -1);
        cr_assert_eq(system_root_open(&root, ""), 0);
        system_root_close(&root);
        cr_assert_eq(root.sys_fd, -1);
        system_root_close(&root);
}
