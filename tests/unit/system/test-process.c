/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/process_read.h"

#include "machine.h"
#include "system/balancing.h"
#include "base/clock.h"
#include "system/pressure.h"
#include "system/process_stat.h"

static Machine m;
static Topology t;

static void begin(void) {
        machine_two_nodes(&m, &t);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(process, .init = begin, .fini = end);

Test(process, reads_everything) {
        long ticks = sysconf(_SC_CLK_TCK);
        ProcessInfo info;

        memset(&info, 0x5a, sizeof(info));
        machine_process(&m, 812, "redis-server", 100);
        cr_assert_eq(process_read(&m.root, &t, 812, 30000000000, &info), 0);
        cr_assert_eq(info.id.pid, 812);
        cr_assert_eq(info.id.starttime, 100);
        cr_assert_str_eq(info.comm, "redis-server");
        cr_assert_str_eq(info.unit, "redis-server.service");
        cr_assert_eq(info.uid, 1000, "the real one");
        cr_assert_eq(info.age_ns, 30000000000 - 100 * (1000000000ull / (uint64_t)ticks));
        cr_assert_eq(info.rss_bytes, 128 << 20);
        cr_assert_eq(info.locked_bytes, 16 << 10);
        cr_assert_eq(info.pinned_bytes, 32 << 10);
        cr_assert_eq(info.hugetlb_bytes, 2 << 20);
        cr_assert_eq(info.n_threads, 1);
        cr_assert(!info.kernel_thread && !info.realtime);
        cr_assert_eq(info.cpuset_mems, 3);
        cr_assert_eq(info.affinity_nodes, 2);
        cr_assert_eq(info.attributes, ATTRIBUTES_UNKNOWN);
        cr_assert(!info.task_policy && !info.vma_policy);
}

/* A process may name itself as it likes. */
Test(process, hostile_names) {
        static const char *const names[] = {
                "a) R 1 1 1 0", ")", "((", "a b\nVmPin: 9", "\x1b[31m\xff", "", "15 characters..",
        };
        uint64_t starttime;
        ProcessInfo info;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                machine_process(&m, 7, names[i], 1234 + i);
                cr_expect_eq(process_read(&m.root, &t, 7, 0, &info), 0, "\"%s\"", names[i]);
                cr_expect_str_eq(info.comm, names[i]);
                cr_expect_eq(info.id.starttime, 1234 + i);
                cr_expect_eq(info.age_ns, 0, "younger than the clock says");
                cr_expect_eq(process_read_starttime(&m.root, 7, &starttime), 0);
                cr_expect_eq(starttime, 1234 + i);
        }
        /* kernel threads show longer names */
        machine_process(&m, 7, "kworker/u16:3-events_unbound", 1);
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert_str_eq(info.comm, "kworker/u16:3-e");
}

Test(process, identity) {
        machine_process(&m, 7, "x", 100);
        cr_assert_eq(process_check(&m.root, (ProcessId) { 7, 100 }), 0);
        cr_assert_eq(process_check(&m.root, (ProcessId) { 7, 101 }), -ESRCH);
        cr_assert_eq(process_check(&m.root, (ProcessId) { 8, 100 }), -ESRCH);
}

Test(process, gone) {
        ProcessInfo info;
        uint64_t starttime;

        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), -ESRCH);
        cr_assert_eq(process_read_starttime(&m.root, 7, &starttime), -ESRCH);
        machine_process(&m, 7, "x", 1);
        cr_assert_eq(unlink(tempdir_path(&m.dir, "proc/7/status")), 0);
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), -ESRCH);
}

/* What the whole process has used, a tick being what sysconf says. */
Test(process, progress) {
        uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
        uint64_t cpu_ns, faults;

        cr_assert_eq(process_read_progress(&m.root, 7, &cpu_ns, &faults), -ESRCH);
        machine_file(&m, "proc/7/stat",
                     "7 (a) R 1 2) S 1 7 7 0 -1 4194304 4321 11 3 12 250 50 99 98 20 0 1 0 100 1 "
                     "1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n");
        cr_assert_eq(process_read_progress(&m.root, 7, &cpu_ns, &faults), 0);
        cr_assert_eq(cpu_ns, 300 * tick_ns, "%lu", cpu_ns);
        cr_assert_eq(faults, 4321, "%lu", faults);
        machine_file(&m, "proc/7/stat", "7 (a) S 1 7 7 0 -1 4194304 43");
        cr_assert_eq(process_read_progress(&m.root, 7, &cpu_ns, &faults), -EBADMSG);
}

/* stat cut at every byte must never be taken for a whole one. */
Test(process, truncated_stat) {
        const char *whole = machine_stat(7, "a) (b", 0, 123456789, 1);
        char text[4096];
        ProcessStat stat;
        const char *policy = strstr(whole, " 17 0 0 1 ");

        cr_assert_not_null(policy);
        for (size_t n = 0; n < strlen(whole); n++) {
                bool complete = n > (size_t)(policy - whole) + 9;

                memcpy(text, whole, n);
                text[n] = 0;
                cr_expect_eq(process_stat_parse(text, &stat), complete ? 0 : -EBADMSG, "%zu <%s>",
                             n, text);
                if (complete)
                        cr_expect(stat.starttime == 123456789 && stat.policy == 1);
        }
}

Test(process, malformed_stat) {
        static const char *const rows[] = {
                "",
                "7",
                "7 x S",
                ")(",
                "7 (x)",
                "7 (x) ",
                "7 (x)S 1",
                "7 (x) S 1 1 1 0 -1 -5 98 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
                "0 0 0 0 0 0 0\n",
        };
        ProcessStat stat;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                cr_expect_eq(process_stat_parse(rows[i], &stat), -EBADMSG, "<%s>", rows[i]);
}

Test(process, truncated_or_malformed_status) {
        static const char *const rows[] = {
                "",
                "Uid:\t0\t0\t0\t0\nThreads:\t1\nCpus_allowed_list:\t0\n",
                "Uid:\t0\t0\t0\t0\nThreads:\t1\nnonvoluntary_ctxt_switches:\t0\n",
                "Uid:\t0\t0\t0\t0\nCpus_allowed_list:\t0\nnonvoluntary_ctxt_switches:\t0\n",
                "Threads:\t1\nCpus_allowed_list:\t0\nnonvoluntary_ctxt_switches:\t0\n",
                "Uid:\t0\t0\t0\t0\nThreads:\t1\nCpus_allowed_list:\t0\nnonvoluntary_ctxt_switches:",
                "Uid:\t0\nThreads:\t-1\nCpus_allowed_list:\t0\nnonvoluntary_ctxt_switches:\t0\n",
                "Uid:\tx\nThreads:\t1\nCpus_allowed_list:\t0\nnonvoluntary_ctxt_switches:\t0\n",
                "Uid:\t0\nThreads:\t1\nCpus_allowed_list:\t0-\nnonvoluntary_ctxt_switches:\t0\n",
                "Uid:\t0\nThreads:\t1\nVmRSS:\t12\nCpus_allowed_list:\t0\n"
                "nonvoluntary_ctxt_switches:\t0\n",
                "Uid:\t0\nThreads:\t1\nVmRSS:\t99999999999999999999 kB\nCpus_allowed_list:\t0\n"
                "nonvoluntary_ctxt_switches:\t0\n",
        };
        ProcessInfo info, before;

        memset(&info, 0x5a, sizeof(info));
        before = info;
        machine_process(&m, 7, "x", 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                machine_file(&m, "proc/7/status", "%s", rows[i]);
                cr_expect_eq(process_read(&m.root, &t, 7, 0, &info), -EBADMSG, "<%s>", rows[i]);
                cr_expect_eq(memcmp(&info, &before, sizeof(info)), 0, "<%s>: written", rows[i]);
        }
}

Test(process, kernel_thread) {
        ProcessInfo info;

        machine_process(&m, 2, "kthreadd", 0);
        machine_file(&m, "proc/2/stat", "%s", machine_stat(2, "kthreadd", 0x208040, 0, 0));
        machine_file(&m, "proc/2/status",
                     "Name:\tkthreadd\nUid:\t0\t0\t0\t0\nThreads:\t1\n"
                     "Cpus_allowed_list:\t0-7\nnonvoluntary_ctxt_switches:\t0\n");
        machine_file(&m, "proc/2/cgroup", "0::/\n");
        cr_assert_eq(process_read(&m.root, &t, 2, 0, &info), 0);
        cr_assert(info.kernel_thread);
        cr_assert_eq(info.rss_bytes, 0);
        cr_assert_eq(info.affinity_nodes, 3);
        cr_assert_eq(info.cpuset_mems, 3, "a kernel without cpusets allows every node");
        cr_assert_str_eq(info.unit, "");
}

/* Ids and CPUs that the topology does not know are passed over. */
Test(process, masks_beyond_the_topology) {
        ProcessInfo info;

        machine_process(&m, 7, "x", 1);
        machine_file(&m, "proc/7/status",
                     "Uid:\t0\nThreads:\t1\nCpus_allowed_list:\t3,100-8191,9000\n"
                     "Mems_allowed_list:\t1,5-1023\nnonvoluntary_ctxt_switches:\t0\n");
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert_eq(info.affinity_nodes, 1);
        cr_assert_eq(info.cpuset_mems, 2);
}

/* A user in very many groups makes one line longer than the buffer of the reader. */
Test(process, very_long_line) {
        char *groups = malloc(100000);
        ProcessInfo info;

        memset(groups, '7', 99999);
        groups[99999] = 0;
        machine_process(&m, 7, "x", 1);
        machine_file(&m, "proc/7/status",
                     "Uid:\t5\nGroups:\t%s\nVmRSS:\t8 kB\nThreads:\t1\nCpus_allowed_list:\t0\n"
                     "nonvoluntary_ctxt_switches:\t0\n",
                     groups);
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert_eq(info.rss_bytes, 8192);
        cr_assert_eq(info.uid, 5);
        free(groups);
}

Test(process, realtime) {
        static const struct {
                int policy;
                bool realtime;
        } rows[] = {
                { 0, false }, { 1, true }, { 2, true }, { 3, false }, { 5, false }, { 6, true },
        };
        ProcessInfo info;

        machine_process(&m, 7, "x", 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                machine_file(&m, "proc/7/stat", "%s", machine_stat(7, "x", 0, 1, rows[i].policy));
                cr_expect_eq(process_read(&m.root, &t, 7, 0, &info), 0);
                cr_expect_eq(info.realtime, rows[i].realtime, "policy %d", rows[i].policy);
        }
        /* another thread */
        machine_process(&m, 7, "x", 1);
        machine_file(&m, "proc/7/status",
                     "Uid:\t0\nThreads:\t2\nCpus_allowed_list:\t0\n"
                     "nonvoluntary_ctxt_switches:\t0\n");
        machine_file(&m, "proc/7/task/8/stat", "%s", machine_stat(8, "y", 0, 1, 1));
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert(info.realtime);
        /* a thread that is just ending */
        cr_assert_eq(unlink(tempdir_path(&m.dir, "proc/7/task/8/stat")), 0);
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert(!info.realtime);
}

Test(unit, of_cgroup) {
        static const struct {
                const char *cgroup, *unit;
        } rows[] = {
                { "0::/system.slice/redis-server.service\n", "redis-server.service" },
                { "0::/system.slice/redis-server.service", "redis-server.service" },
                { "0::/\n", "" },
                { "", "" },
                { "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-foo.scope\n",
                  "app-foo.scope" },
                { "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "init.scope" },
                { "0::/user.slice/user-1000.slice/user@1000.service/background.slice\n",
                  "user@1000.service" },
                { "0::/system.slice/a.service/sub/group\n", "a.service" },
                { "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
                  "postgresql@15-main.service" },
                { "0::/system.slice/dev-sda\\x2d1.swap\n", "dev-sda\\x2d1.swap" },
                { "0::/system.slice/_cpu.service\n", "cpu.service" },
                { "0::/system.slice/a.service (deleted)\n", "a.service" },
                { "0::/.service\n", "" },
                { "0::/x.slice/service\n", "" },
                { "0::/docker/0123456789abcdef\n", "" },
                /* version 1: only systemd's own hierarchy counts */
                { "12:cpuset:/a.service\n3:cpu,cpuacct:/b.service\n", "" },
                { "5:memory:/x.service\n1:name=systemd:/system.slice/ssh.service\n0::/\n",
                  "ssh.service" },
                { "1:name=other:/a.service\n", "" },
                { "1:name=systemdx:/a.service\n", "" },
                /* both */
                { "1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n",
                  "a.service" },
                /* a colon in a name, and junk */
                { "0::/system.slice/a:b.service\n", "a:b.service" },
                { "junk\n:\n::\n0::/b.service\n", "b.service" },
        };
        char unit[UNIT_BYTES], longest[1024];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                process_unit_parse(rows[i].cgroup, unit);
                cr_expect_str_eq(unit, rows[i].unit, "<%s>: \"%s\"", rows[i].cgroup, unit);
        }
        snprintf(longest, sizeof(longest), "0::/%0247d.service\n", 0);
        process_unit_parse(longest, unit);
        cr_assert_eq(strlen(unit), 255);
        snprintf(longest, sizeof(longest), "0::/%0248d.service\n", 0);
        process_unit_parse(longest, unit);
        cr_assert_str_eq(unit, "");
}

Test(process, without_cgroup_file) {
        ProcessInfo info;

        machine_process(&m, 7, "x", 1);
        cr_assert_eq(unlink(tempdir_path(&m.dir, "proc/7/cgroup")), 0);
        cr_assert_eq(process_read(&m.root, &t, 7, 0, &info), 0);
        cr_assert_str_eq(info.unit, "");
}

/* This very process, in the running machine. */
Test(process, real) {
        SystemRoot root;
        ProcessInfo info;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(process_read(&root, &t, getpid(), clock_boottime_ns(), &info), 0);
        cr_assert_eq(info.uid, getuid());
        cr_assert_gt(info.rss_bytes, 100000);
        cr_assert_lt(info.age_ns, 3600 * 1000000000ull);
        cr_assert_eq(process_check(&root, info.id), 0);
        system_root_close(&root);
}

Test(process, kernel_balancing) {
        unsigned mode = 9;

        cr_assert_eq(kernel_balancing_read(&m.root, &mode), -ENOENT);
        machine_file(&m, "proc/sys/kernel/numa_balancing", "2\n");
        cr_assert_eq(kernel_balancing_read(&m.root, &mode), 0);
        cr_assert_eq(mode, 2);
        machine_file(&m, "proc/sys/kernel/numa_balancing", "on\n");
        cr_assert_eq(kernel_balancing_read(&m.root, &mode), -EBADMSG);
        cr_assert_eq(mode, 2);
}

Test(process, pressure) {
        static const struct {
                const char *text;
                int result;
                double percent;
        } rows[] = {
                { "some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=9.00\n", 0, 12.5 },
                { "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", 0, 0 },
                { "full avg10=9.00\n", -EBADMSG, 0 },
                { "some avg10=\n", -EBADMSG, 0 },
                { "some avg10=x avg60\n", -EBADMSG, 0 },
                { "some avg10=-1 avg60\n", -EBADMSG, 0 },
                { "some avg10=nan avg60\n", -EBADMSG, 0 },
                { "", -EBADMSG, 0 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                double percent = 42;

                machine_file(&m, "proc/pressure/memory", "%s", rows[i].text);
                cr_expect_eq(pressure_read(&m.root, PRESSURE_MEMORY, &percent), rows[i].result,
                             "<%s>", rows[i].text);
                cr_expect_eq(percent, rows[i].result < 0 ? 42 : rows[i].percent, "<%s>: %g",
                             rows[i].text, percent);
                cr_expect_eq(pressure_read(&m.root, PRESSURE_CPU, &percent), -ENOENT);
                cr_expect_eq(pressure_read(&m.root, PRESSURE_RESOURCE_MAX, &percent), -EINVAL);
        }
}
