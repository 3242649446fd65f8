/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/diagnose.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/prefix.h"
#include "system/balancing.h"
#include "system/file.h"
#include "system/other_mover.h"

/* Numbers of capabilities(7); headers of the kernel that is built against may lack the newer ones. */
#define BIT_SYS_PTRACE 19
#define BIT_SYS_ADMIN  21
#define BIT_PERFMON    38
#define BIT_BPF        39

typedef struct Report {
        const SystemRoot *root;
        const Topology *topology;
        bool sampling;
        Finding *findings;
        size_t n;
        size_t max;
} Report;

/* Adds one finding; effect and fix are those of a state that is not good. */
__attribute__((format(printf, 6, 7))) static void add(Report *r, const char *id, FindingState state,
                                                      const char *effect, const char *fix,
                                                      const char *found, ...) {
        bool good = state == FINDING_GOOD;
        Finding *f;
        va_list ap;

        if (r->n >= r->max)
                return;
        f = &r->findings[r->n++];
        *f = (Finding) {
                .id = id, .state = state, .effect = good ? "" : effect, .fix = good ? "" : fix
        };
        va_start(ap, found);
        vsnprintf(f->found, sizeof(f->found), found, ap);
        va_end(ap);
}

static void diagnose_nodes(Report *r) {
        int n = node_mask_count(topology_memory_mask(r->topology));

        add(r, "nodes", n >= 2 ? FINDING_GOOD : FINDING_LIMITED,
            "there is nothing to balance; the daemon stays idle",
            "none; the daemon is of use on machines with several NUMA nodes only",
            "%d node%s with memory", n, n == 1 ? "" : "s");
}

static void diagnose_architecture(Report *r) {
#ifdef __x86_64__
        add(r, "architecture", FINDING_GOOD, "", "", "x86-64");
#else
        add(r, "architecture", FINDING_LIMITED,
            "the clock source cannot decode this machine's code; the less precise source residency "
            "serves",
            "none; the clock source is for x86-64 only", "not x86-64");
#endif
}

static void diagnose_btf(Report *r) {
        bool there = faccessat(r->root->sys_fd, "kernel/btf/vmlinux", F_OK, 0) == 0;

        add(r, "btf", there ? FINDING_GOOD : FINDING_MISSING,
            "without BPF the memory policies of processes cannot be read, so nothing is moved",
            "use a kernel with CONFIG_DEBUG_INFO_BTF, as Debian's have it",
            "kernel type information %s", there ? "is there" : "is missing");
}

/* CapEff of proc/self/status; 0 when it cannot be read. */
static uint64_t effective_capabilities(const SystemRoot *root) {
        char text[8192];
        const char *p;

        if (file_read(root->proc_fd, "self/status", text, sizeof(text)) < 0)
                return 0;
        p = strstr(text, "\nCapEff:");
        return p ? strtoull(p + strlen("\nCapEff:"), NULL, 16) : 0;
}

/* The number in a file below /proc, or `otherwise`. */
static long read_number(const SystemRoot *root, const char *path, long otherwise) {
        char text[32];

        if (file_read(root->proc_fd, path, text, sizeof(text)) <= 0)
                return otherwise;
        return strtol(text, NULL, 10);
}

static void diagnose_capability(Report *r, const char *id, const char *name, bool held,
                                const char *effect) {
        add(r, id, held ? FINDING_GOOD : FINDING_MISSING, effect,
            "start the daemon by its unit, which grants it, or as root", "%s %s", name,
            held ? "is held" : "is not held");
}

static void diagnose_capabilities(Report *r) {
        uint64_t held = effective_capabilities(r->root);
        bool admin = held >> BIT_SYS_ADMIN & 1;
        long paranoid = read_number(r->root, "sys/kernel/perf_event_paranoid", 2);

        diagnose_capability(r, "cap-sys-ptrace", "CAP_SYS_PTRACE", held >> BIT_SYS_PTRACE & 1,
                            "pages of other users' processes can neither be seen nor moved");
        diagnose_capability(
                r, "cap-bpf", "CAP_BPF", admin || held >> BIT_BPF & 1,
                "without BPF the memory policies of processes cannot be read, so nothing is moved");
        diagnose_capability(r, "cap-perfmon", "CAP_PERFMON", admin || held >> BIT_PERFMON & 1,
                            "no clock events can be opened and no memory policies be read, so "
                            "nothing is moved");
        if (paranoid < 3)
                add(r, "perf-event-paranoid", FINDING_GOOD, "", "",
                    "kernel.perf_event_paranoid is %ld", paranoid);
        else if (r->sampling)
                add(r, "perf-event-paranoid", FINDING_GOOD, "", "",
                    "kernel.perf_event_paranoid is %ld, and the events are open", paranoid);
        else
                add(r, "perf-event-paranoid", admin ? FINDING_GOOD : FINDING_LIMITED,
                    "clock events cannot be opened without CAP_SYS_ADMIN; the less precise source "
                    "residency serves",
                    "start the daemon by its unit, or lower kernel.perf_event_paranoid to 2",
                    "kernel.perf_event_paranoid is %ld%s", paranoid,
                    admin ? ", and CAP_SYS_ADMIN is held" : "");
}

static void diagnose_lockdown(Report *r) {
        char text[128] = "";
        bool strict;

        if (file_read(r->root->sys_fd, "kernel/security/lockdown", text, sizeof(text)) < 0)
                *text = '\0';
        strict = strstr(text, "[confidentiality]") != NULL;
        add(r, "lockdown", strict ? FINDING_MISSING : FINDING_GOOD,
            "BPF programs may not look into the kernel, so memory policies cannot be read and "
            "nothing is moved",
            "boot with lockdown=integrity or without", "kernel lockdown is %s",
            strict                        ? "confidentiality"
            : strstr(text, "[integrity]") ? "integrity"
                                          : "off");
}

static void diagnose_balancing(Report *r) {
        unsigned mode = 0;
        int error = kernel_balancing_read(r->root, &mode);

        if (error < 0)
                add(r, "kernel-balancing", FINDING_GOOD, "", "",
                    "the kernel has no NUMA balancing of its own");
        else
                add(r, "kernel-balancing", mode & 1 ? FINDING_LIMITED : FINDING_GOOD,
                    "the kernel moves single pages as well; the daemon moves what the kernel is "
                    "slow at, and both cost time",
                    "sysctl kernel.numa_balancing=0, if the daemon alone should do it",
                    "kernel.numa_balancing is %u", mode);
}

static void diagnose_pressure(Report *r) {
        bool there = faccessat(r->root->proc_fd, "pressure/memory", F_OK, 0) == 0;

        add(r, "pressure", there ? FINDING_GOOD : FINDING_LIMITED,
            "moves do not slow down when others wait for memory or CPU", "boot with psi=1",
            "pressure stall information %s", there ? "is there" : "is missing");
}

/* Takes "Max open files   1024   4096   files" and the like: the soft limit, UINT64_MAX unlimited. */
static uint64_t soft_limit(const SystemRoot *root, const char *name) {
        char text[4096];
        const char *p;

        if (file_read(root->proc_fd, "self/limits", text, sizeof(text)) < 0)
                return UINT64_MAX;
        p = strstr(text, name);
        if (!p)
                return UINT64_MAX;
        p += strlen(name);
        p += strspn(p, " ");
        return after_prefix(p, "unlimited") ? UINT64_MAX : strtoull(p, NULL, 10);
}

static const char *limit_text(char *text, size_t size, uint64_t limit) {
        if (limit == UINT64_MAX)
                return "any number of";
        snprintf(text, size, "%" PRIu64, limit);
        return text;
}

static void diagnose_limits(Report *r) {
        uint64_t files = soft_limit(r->root, "Max open files"),
                 locked = soft_limit(r->root, "Max locked memory");
        /* An event and its link for each CPU, and some others. */
        uint64_t needed = 2 * (uint64_t)r->topology->n_cpus + 64;
        char release[64] = "", text[32];
        unsigned major = 0, minor = 0;

        add(r, "open-files", files >= needed ? FINDING_GOOD : FINDING_LIMITED,
            "clock events cannot be opened on all CPUs; the less precise source residency serves",
            "set LimitNOFILE=65536 in the unit", "%s open files are allowed",
            limit_text(text, sizeof(text), files));
        (void)file_read(r->root->proc_fd, "sys/kernel/osrelease", release, sizeof(release));
        /* Newer kernels account the memory of BPF maps elsewhere. */
        if (sscanf(release, "%u.%u", &major, &minor) != 2 || major > 5 ||
            (major == 5 && minor >= 11))
                return;
        add(r, "locked-memory", locked >= 64 << 20 ? FINDING_GOOD : FINDING_MISSING,
            "BPF maps cannot be created on this kernel", "set LimitMEMLOCK=infinity in the unit",
            "%s bytes of locked memory are allowed", limit_text(text, sizeof(text), locked));
}

static void diagnose_other_movers(Report *r) {
        const char *effect = "two programs that move memory work against each other, so the daemon "
                             "only observes unless ignore_other_movers is set",
                   *fix = "stop one of them";
        MoverScan scan = { 0 };
        ForeignMover mover;
        bool found = mover_scan_step(&scan, r->root, UINT_MAX, &mover) > 0;

        mover_scan_done(&scan);
        if (found)
                add(r, "other-movers", FINDING_LIMITED, effect, fix, "%s is running (process %d)",
                    mover.comm, (int)mover.pid);
        else if (damon_migrates(r->root))
                add(r, "other-movers", FINDING_LIMITED, effect, fix,
                    "DAMON runs a scheme that migrates memory");
        else
                add(r, "other-movers", FINDING_GOOD, "", "",
                    "no other program that moves pages was found");
}

size_t system_diagnose(const SystemRoot *root, const Topology *t, bool sampling, Finding *ret,
                       size_t max) {
        Report r = {
                .root = root,
                .topology = t,
                .sampling = sampling,
                .findings = ret,
                .max = max,
        };

        diagnose_nodes(&r);
        diagnose_architecture(&r);
        diagnose_btf(&r);
        diagnose_capabilities(&r);
        diagnose_lockdown(&r);
        diagnose_limits(&r);
        diagnose_pressure(&r);
        diagnose_balancing(&r);
        diagnose_other_movers(&r);
        return r.n;
}
