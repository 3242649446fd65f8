/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/diagnose.h"

#include "machine.h"

static Machine m;
static Topology t;
static Finding findings[FINDINGS_MAX];
static size_t n_findings;

/* A machine on which everything is well, for the service's user. */
static void begin(void) {
        machine_two_nodes(&m, &t);
        machine_file(&m, "sys/kernel/btf/vmlinux", "x");
        machine_file(&m, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
        machine_file(&m, "proc/self/status",
                     "Name:\tx\nCapPrm:\t0000000000000000\n"
                     "CapEff:\t000000c000280000\n");
        machine_file(&m, "proc/self/limits",
                     "Limit                     Soft Limit           Hard Limit           Units\n"
                     "Max open files            65536                65536                files\n"
                     "Max locked memory         unlimited            unlimited            bytes\n");
        machine_file(&m, "proc/sys/kernel/perf_event_paranoid", "3\n");
        machine_file(&m, "proc/sys/kernel/osrelease", "6.1.0-30-amd64\n");
        machine_file(&m, "proc/sys/kernel/numa_balancing", "0\n");
        machine_file(&m, "proc/pressure/memory", "some avg10=0.00\n");
        machine_file(&m, "proc/77/comm", "bash\n");
}

static void end(void) {
        machine_free(&m);
}

TestSuite(diagnose, .init = begin, .fini = end);

static const Finding *find(const char *id) {
        for (size_t i = 0; i < n_findings; i++)
                if (strcmp(findings[i].id, id) == 0)
                        return &findings[i];
        return NULL;
}

static void diagnose(bool sampling) {
        n_findings = system_diagnose(&m.root, &t, sampling, findings, FINDINGS_MAX);
}

static void expect(const char *id, FindingState state, const char *found) {
        const Finding *f = find(id);

        cr_assert_not_null(f, "%s", id);
        cr_assert_eq(f->state, state, "%s: %s", id, f->found);
        cr_assert_str_eq(f->found, found, "%s", id);
        cr_assert_eq(*f->effect != '\0', state != FINDING_GOOD, "%s: effect", id);
        cr_assert_eq(*f->fix != '\0', state != FINDING_GOOD, "%s: fix", id);
}

Test(diagnose, all_is_well) {
        diagnose(false);
        cr_assert_geq(n_findings, 11);
        for (size_t i = 0; i < n_findings; i++)
                cr_assert_eq(findings[i].state, FINDING_GOOD, "%s: %s", findings[i].id,
                             findings[i].found);
}

Test(diagnose, capabilities) {
        machine_file(&m, "proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
        diagnose(false);
        expect("cap-sys-ptrace", FINDING_MISSING, "CAP_SYS_PTRACE is not held");
        expect("cap-bpf", FINDING_MISSING, "CAP_BPF is not held");
        expect("cap-perfmon", FINDING_MISSING, "CAP_PERFMON is not held");
        expect("perf-event-paranoid", FINDING_LIMITED, "kernel.perf_event_paranoid is 3");

        machine_file(&m, "proc/self/status", "Name:\tx\nCapEff:\t000000c000080000\n");
        diagnose(true);
        expect("cap-bpf", FINDING_GOOD, "CAP_BPF is held");
        expect("perf-event-paranoid", FINDING_GOOD,
               "kernel.perf_event_paranoid is 3, and the events are open");
        diagnose(false);
        expect("perf-event-paranoid", FINDING_LIMITED, "kernel.perf_event_paranoid is 3");
        machine_file(&m, "proc/sys/kernel/perf_event_paranoid", "2\n");
        diagnose(false);
        expect("perf-event-paranoid", FINDING_GOOD, "kernel.perf_event_paranoid is 2");
}

Test(diagnose, kernel) {
        machine_file(&m, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
        machine_file(&m, "proc/sys/kernel/numa_balancing", "1\n");
        cr_assert_eq(unlinkat(m.root.sys_fd, "kernel/btf/vmlinux", 0), 0);
        cr_assert_eq(unlinkat(m.root.proc_fd, "pressure/memory", 0), 0);
        diagnose(false);
        expect("lockdown", FINDING_MISSING, "kernel lockdown is confidentiality");
        expect("kernel-balancing", FINDING_LIMITED, "kernel.numa_balancing is 1");
        expect("btf", FINDING_MISSING, "kernel type information is missing");
        expect("pressure", FINDING_LIMITED, "pressure stall information is missing");
}

Test(diagnose, limits) {
        machine_file(&m, "proc/self/limits",
                     "Max locked memory         65536                65536                bytes\n"
                     "Max open files            64                   65536                files\n");
        diagnose(false);
        expect("open-files", FINDING_LIMITED, "64 open files are allowed");
        cr_assert_null(find("locked-memory"), "no concern of newer kernels");
        machine_file(&m, "proc/self/limits",
                     "Max open files            79                   65536                files\n"
                     "Max locked memory         65536                65536                bytes\n");
        diagnose(false);
        expect("open-files", FINDING_LIMITED, "79 open files are allowed"); /* of 2 x 8 + 64 */
        machine_file(&m, "proc/self/limits",
                     "Max open files            80                   65536                files\n"
                     "Max locked memory         65536                65536                bytes\n");
        diagnose(false);
        expect("open-files", FINDING_GOOD, "80 open files are allowed");
        machine_file(&m, "proc/sys/kernel/osrelease", "5.10.0-30-amd64\n");
        diagnose(false);
        expect("locked-memory", FINDING_MISSING, "65536 bytes of locked memory are allowed");
}

Test(diagnose, other_movers) {
        machine_file(&m, "proc/78/comm", "numad\n");
        diagnose(false);
        expect("other-movers", FINDING_LIMITED, "numad is running (process 78)");
}

Test(diagnose, one_node) {
        t.n_nodes = 1;
        diagnose(false);
        expect("nodes", FINDING_LIMITED, "1 node with memory");
}

Test(diagnose, room_is_respected) {
        cr_assert_eq(system_diagnose(&m.root, &t, false, findings, 3), 3);
        cr_assert_eq(system_diagnose(&m.root, &t, false, findings, 0), 0);
}
