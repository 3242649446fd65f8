/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <inttypes.h>

#include "system/topology_read.h"

void machine_new(Machine *m) {
        *m = (Machine) { .root = SYSTEM_ROOT_NONE };
        tempdir_new(&m->dir);
        tempdir_mkdir(&m->dir, "proc");
        tempdir_mkdir(&m->dir, "sys");
}

void machine_open(Machine *m) {
        cr_assert_eq(system_root_open(&m->root, m->dir.path), 0);
}

void machine_free(Machine *m) {
        system_root_close(&m->root);
        tempdir_free(&m->dir);
}

void machine_file(Machine *m, const char *path, const char *format, ...) {
        va_list arguments;
        char *text;

        va_start(arguments, format);
        cr_assert_geq(vasprintf(&text, format, arguments), 0);
        va_end(arguments);
        tempdir_write(&m->dir, path, text);
        free(text);
}

static const char *node_path(int id, const char *name) {
        static char path[256];

        snprintf(path, sizeof(path), "sys/devices/system/node/node%d/%s", id, name);
        return path;
}

static void write_zones(FILE *f, const MachineNode *node) {
        static const char *const zones[] = { "DMA32", "Normal" };

        if (node->total_mib == 0)
                return;
        for (unsigned i = 0; i < 2; i++)
                fprintf(f,
                        "Node %d, zone %8s\n  per-node stats\n      nr_inactive_anon 2372\n"
                        "  pages free     772918\n        boost    0\n        min      9556\n"
                        "        low      11945\n        high     %" PRIu64 "\n"
                        "        promo    16723\n        spanned  1044480\n"
                        "        protection: (0, 0, 2304, 2304, 2304)\n      nr_free_pages 772918\n"
                        "  pagesets\n    cpu: 0\n              count:    0\n"
                        "              high:     630\n              batch:    63\n"
                        "              high_min: 630\n  node_unreclaimable:  0\n"
                        "  start_pfn:           4096\n",
                        node->id, zones[i], node->high_pages);
}

void machine_nodes(Machine *m, const MachineNode *nodes, unsigned n, const char *online) {
        char *zones = NULL;
        size_t size;
        FILE *f = open_memstream(&zones, &size);

        machine_file(m, "sys/devices/system/node/online", "%s\n", online);
        for (unsigned i = 0; i < n; i++) {
                machine_file(m, node_path(nodes[i].id, "cpulist"), "%s\n", nodes[i].cpus);
                machine_file(m, node_path(nodes[i].id, "distance"), "%s\n", nodes[i].distances);
                machine_file(m, node_path(nodes[i].id, "meminfo"),
                             "Node %d MemTotal:       %8" PRIu64 " kB\n"
                             "Node %d MemFree:        %8" PRIu64 " kB\n"
                             "Node %d MemUsed:              1 kB\n"
                             "Node %d Inactive:            77 kB\n"
                             "Node %d Active(file):        99 kB\n"
                             "Node %d Inactive(file): %8" PRIu64 " kB\n",
                             nodes[i].id, nodes[i].total_mib * 1024, nodes[i].id,
                             nodes[i].free_mib * 1024, nodes[i].id, nodes[i].id, nodes[i].id,
                             nodes[i].id, nodes[i].inactive_file_mib * 1024);
                write_zones(f, &nodes[i]);
        }
        fclose(f);
        machine_file(m, "proc/zoneinfo", "%s", zones);
        free(zones);
}

void machine_two_nodes(Machine *m, Topology *ret) {
        static const MachineNode nodes[] = {
                { 0, "0-3", "10 21", 4096, 1024, 512, 1000 },
                { 1, "4-7", "21 10", 4096, 2048, 256, 2000 },
        };

        machine_new(m);
        machine_nodes(m, nodes, 2, "0-1");
        machine_open(m);
        cr_assert_eq(topology_read(ret, &m->root), 0);
}

const char *machine_stat(int pid, const char *comm, uint64_t flags, uint64_t starttime,
                         int policy) {
        static char text[4096];

        snprintf(text, sizeof(text),
                 "%d (%s) S 1 1 1 0 -1 %" PRIu64 " 98 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64
                 " 3133440 380 18446744073709551615 94528772231168 94528772251049 "
                 "140737450249984 0 0 0 0 0 0 0 0 0 17 0 0 %d 0 0 0 94528772267056 "
                 "94528772268672 94529793028096 140737450257025 140737450257045 "
                 "140737450257045 140737450258411 0\n",
                 pid, comm, flags, starttime, policy);
        return text;
}

void machine_process(Machine *m, int pid, const char *comm, uint64_t starttime) {
        char path[64];

        snprintf(path, sizeof(path), "proc/%d/stat", pid);
        machine_file(m, path, "%s", machine_stat(pid, comm, 4194304, starttime, 0));
        snprintf(path, sizeof(path), "proc/%d/task/%d/stat", pid, pid);
        machine_file(m, path, "%s", machine_stat(pid, comm, 4194304, starttime, 0));
        snprintf(path, sizeof(path), "proc/%d/status", pid);
        machine_file(m, path,
                     "Name:\tx\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGroups:\t4 24 27 \n"
                     "VmPeak:\t    9999 kB\nVmLck:\t      16 kB\nVmPin:\t      32 kB\n"
                     "VmHWM:\t    9999 kB\nVmRSS:\t  131072 kB\nHugetlbPages:\t    2048 kB\n"
                     "Threads:\t1\nCpus_allowed:\tf0\nCpus_allowed_list:\t4-7\n"
                     "Mems_allowed:\t3\nMems_allowed_list:\t0-1\n"
                     "voluntary_ctxt_switches:\t2\nnonvoluntary_ctxt_switches:\t0\n");
        snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
        machine_file(m, path, "0::/system.slice/redis-server.service\n");
}
