/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "system/balancing.h"
#include "system/maps.h"
#include "system/process_names.h"
#include "system/process_read.h"
#include "system/residency.h"
#include "system/topology_read.h"

/* Files of a process and of a machine with two nodes; in each run the input takes the place of one
 * of them. */

#define NODE_DIR "sys/devices/system/node/"

static const char stat_text[] =
        "7 (a) (b)) S 1 1 1 0 -1 4194304 98 0 0 0 0 0 0 0 20 0 1 0 130422 3133440 380 "
        "18446744073709551615 1 2 3 0 0 0 0 0 0 0 0 0 17 0 0 1 0 0 0 1 2 3 4 5 6 7 0\n";
static const char status_text[] =
        "Name:\tx\nUid:\t1000\t0\t0\t0\nGroups:\t4 24\nVmLck:\t 16 kB\nVmPin:\t 32 kB\n"
        "VmRSS:\t 131072 kB\nHugetlbPages:\t 2048 kB\nThreads:\t2\nCpus_allowed_list:\t4-7\n"
        "Mems_allowed_list:\t0-1\nnonvoluntary_ctxt_switches:\t0\n";
static const char cgroup_text[] = "1:name=systemd:/a.scope\n0::/system.slice/redis.service\n";
static const char maps_text[] =
        "55f1c4e00000-55f1c4e22000 r--p 00000000 fe:01 131 /usr/bin/a b\\012c\n"
        "55f1c6000000-55f1c6021000 rw-p 00000000 00:00 0 [heap]\n"
        "7f0000000000-7f0040000000 rw-p 00000000 00:05 77 /dev/zero (deleted)\n";
static const char meminfo_text[] = "Node 0 MemTotal: 4096 kB\nNode 0 MemFree: 1024 kB\n"
                                   "Node 0 Inactive(file): 512 kB\n";
static const char zoneinfo_text[] = "Node 0, zone   Normal\n  pages free     437292\n"
                                    "        high     10938\nNode 1, zone DMA\n  high 3\n";

typedef struct File {
        const char *path;
        const char *text;
} File;

static const File files[] = {
        { "proc/7/stat", stat_text },
        { "proc/7/task/7/stat", stat_text },
        { "proc/7/status", status_text },
        { "proc/7/cgroup", cgroup_text },
        { "proc/7/maps", maps_text },
        { "proc/zoneinfo", zoneinfo_text },
        { "proc/meminfo", meminfo_text },
        { "proc/sys/kernel/numa_balancing", "1\n" },
        { NODE_DIR "online", "0-1\n" },
        { NODE_DIR "node0/cpulist", "0-3\n" },
        { NODE_DIR "node1/cpulist", "4-7\n" },
        { NODE_DIR "node0/distance", "10 21\n" },
        { NODE_DIR "node1/distance", "21 10\n" },
        { NODE_DIR "node0/meminfo", meminfo_text },
        { NODE_DIR "node1/meminfo", meminfo_text },
        { NODE_DIR "node0/access0/initiators/read_latency", "80\n" },
};

static SystemRoot root = SYSTEM_ROOT_NONE;
static Topology topology;

static void set_up(void) {
        if (root.proc_fd >= 0)
                return;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                fuzz_write(files[i].path, files[i].text, strlen(files[i].text));
        FUZZ_CHECK(system_root_open(&root, fuzz_directory()) == 0);
        FUZZ_CHECK(topology_read(&topology, &root) == 0);
}

static void restore(const char *path) {
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                if (strcmp(files[i].path, path) == 0)
                        fuzz_write(path, files[i].text, strlen(files[i].text));
}

static void run_proc(const uint8_t *data, size_t size) {
        static const char *const paths[] = { "proc/7/stat", "proc/7/status", "proc/7/cgroup",
                                             "proc/7/task/7/stat" };
        char cgroup[64];
        ProcessInfo info;
        uint64_t ticks;

        set_up();
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                fuzz_write(paths[i], data, size);
                if (process_read(&root, &topology, 7, 1ull << 60, &info) == 0) {
                        FUZZ_CHECK(memchr(info.comm, 0, sizeof(info.comm)));
                        FUZZ_CHECK(memchr(info.unit, 0, sizeof(info.unit)));
                        FUZZ_CHECK((info.cpuset_mems & ~3ull) == 0);
                        FUZZ_CHECK((info.affinity_nodes & ~3ull) == 0);
                        FUZZ_CHECK(process_read_starttime(&root, 7, &ticks) == 0);
                        FUZZ_CHECK(ticks == info.id.starttime);
                }
                if (process_read_cgroup(&root, 7, cgroup, sizeof(cgroup)) == 0)
                        FUZZ_CHECK(memchr(cgroup, 0, sizeof(cgroup)));
                restore(paths[i]);
        }
}

static int check_mapping(const Mapping *mapping, void *userdata) {
        (void)userdata;
        FUZZ_CHECK(mapping->start < mapping->end && mapping->name);
        return 0;
}

static void run_maps(const uint8_t *data, size_t size) {
        uint64_t addresses[40];
        uint32_t n = 0;

        set_up();
        fuzz_write("proc/7/maps", data, size);
        maps_read(&root, 7, check_mapping, NULL);
        if (residency_pick(&root, 7, 40, UINT64_MAX, 3, addresses, &n) == 0)
                FUZZ_CHECK(n <= 40);
        if (residency_pick(&root, 7, 40, 1 << 20, 3, addresses, &n) == 0)
                FUZZ_CHECK(n <= 40);
}

static void run_node(const uint8_t *data, size_t size) {
        static const char *const paths[] = {
                NODE_DIR "online",
                NODE_DIR "node0/cpulist",
                NODE_DIR "node0/distance",
                NODE_DIR "node0/meminfo",
                NODE_DIR "node0/access0/initiators/read_latency",
                "proc/zoneinfo",
                "proc/sys/kernel/numa_balancing",
        };
        static Topology t;
        unsigned mode;

        set_up();
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                NodeState nodes[NODES_MAX] = {};

                fuzz_write(paths[i], data, size);
                if (topology_read(&t, &root) == 0) {
                        FUZZ_CHECK(t.n_nodes >= 1 && t.n_nodes <= NODES_MAX);
                        FUZZ_CHECK(t.n_cpus <= CPUS_MAX);
                        for (uint32_t cpu = 0; cpu < t.n_cpus; cpu++)
                                FUZZ_CHECK(t.cpu_node[cpu] < (int)t.n_nodes);
                        node_state_read(nodes, &t, &root);
                }
                kernel_balancing_read(&root, &mode);
                restore(paths[i]);
        }
}

static const char *const proc_seeds[] = { stat_text, status_text, cgroup_text, NULL };
static const char *const maps_seeds[] = { maps_text, NULL };
static const char *const node_seeds[] = { "0-1\n",      "0-3,8\n",     "10 21\n", "80\n",
                                          meminfo_text, zoneinfo_text, NULL };
static const char *const proc_tokens[] = {
        ")",
        "(",
        " ",
        "\n",
        ":",
        "\t",
        " kB",
        "VmRSS:\t",
        "Uid:\t",
        "0-1",
        "0::/",
        ".scope",
        ".service",
        "/",
        "_",
        " (deleted)",
        ",",
        "8192",
        "name=systemd:",
        "-",
        "Threads:\t",
        NULL,
};
static const char *const maps_tokens[] = {
        "-", " ", "rw-p", "\n", "00:00", "fff", "[x]", "0", NULL
};
static const char *const node_tokens[] = { "-",     ",",     " ",        "\n",    "8191",
                                           "8192",  " kB",   "MemFree:", "Node ", ", zone",
                                           "high ", "65535", NULL };

const FuzzTarget fuzz_proc = { "proc", run_proc, proc_seeds, proc_tokens };
const FuzzTarget fuzz_maps = { "maps", run_maps, maps_seeds, maps_tokens };
const FuzzTarget fuzz_node = { "node", run_node, node_seeds, node_tokens };
