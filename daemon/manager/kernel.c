/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "manager/internal.h"
#include "report/journal.h"
#include "system/balancing.h"
#include "system/topology_read.h"

/* Another program may change kernel.numa_balancing or the watermarks at any time. */
#define KERNEL_EVERY_NSEC (60 * NSEC_PER_SEC)

/* Exists while numabalancer-kernel has values of the kernel taken over; see daemon/helper/state.h. */
#define TAKEOVER_DIRECTORY "/run/numabalancerd-kernel"

#define RELOAD_COMMAND "systemctl reload numabalancerd"

void manager_read_kernel(Manager *m, uint64_t now_ns) {
        unsigned mode = 0;
        int r;

        if (m->kernel_read_ns != 0 && now_ns - m->kernel_read_ns < KERNEL_EVERY_NSEC)
                return;
        m->kernel_read_ns = now_ns;
        r = kernel_balancing_read(&m->root, &mode);
        m->balancing = r < 0 ? r : (int)mode;
        (void)node_watermarks_read(m->nodes, &m->topology, &m->root); /* else the last ones hold */
}

/* Whether the kernel's balancing is what the setting asks for, as far as this user can see. */
static bool is_in_force(const Manager *m) {
        if (m->balancing < 0)
                return true; /* there is none to set */
        switch (m->settings.kernel_balancing) {
        case BALANCING_OFF:
                return !(m->balancing & 1);
        case BALANCING_SAMPLE:
                return m->balancing & 1;
        default:
                return access(TAKEOVER_DIRECTORY, F_OK) < 0;
        }
}

void manager_kernel_reloaded(Manager *m, KernelBalancing before, uint64_t now_ns) {
        m->kernel_read_ns = 0;
        manager_read_kernel(m, now_ns);
        if (m->settings.kernel_balancing != before && !is_in_force(m))
                journal_log(LOG_NOTICE,
                            "kernel_balancing = \"%s\" takes effect with `" RELOAD_COMMAND
                            "`: only root may change the kernel's balancing.",
                            balancing_to_string(m->settings.kernel_balancing));
}

/* The daemon knows what was asked for. */
static void correct_finding(const Manager *m, Finding *f) {
        if (m->settings.kernel_balancing == BALANCING_LEAVE)
                return;
        if (is_in_force(m)) {
                f->state = FINDING_GOOD;
                f->effect = f->fix = "";
        } else {
                f->state = FINDING_LIMITED;
                f->effect = "it is not what kernel_balancing asks for: it was changed since, or "
                            "could not be set";
                f->fix = "look for numabalancer-kernel in the journal; systemctl restart "
                         "numabalancerd sets it anew";
        }
}

typedef struct Report {
        Finding *findings;
        size_t n;
        size_t max;
} Report;

static void add(Report *r, const char *id, const char *problem) {
        Finding *f;

        if (r->n >= r->max)
                return;
        f = &r->findings[r->n++];
        *f = (Finding) { .id = id, .effect = "", .fix = "" };
        if (!problem) {
                f->state = FINDING_GOOD;
                snprintf(f->found, sizeof(f->found), "what the kernel moves is counted by reason");
                return;
        }
        f->state = FINDING_LIMITED;
        f->effect =
                "only programs that move memory by trade are noticed, and the daemon's own moves "
                "cannot be compared with the kernel's account";
        f->fix = "use a kernel with BTF, and start the daemon by its unit";
        snprintf(f->found, sizeof(f->found), "what the kernel moves is not counted%s%s",
                 *problem ? ": " : "", problem);
}

static void diagnose_kernel_moves(const Manager *m, Report *r) {
        if (observer_source(m->observer) != SOURCE_NONE)
                add(r, "kernel-moves", m->migrations ? NULL : m->migrations_problem);
}

static void diagnose_move_shared(const Manager *m, Report *r) {
        bool wanted = m->settings.move_shared, held = mover_may_move_shared(m->mover);

        if (!wanted || r->n >= r->max)
                return;
        add(r, "move-shared", NULL);
        Finding *f = &r->findings[r->n - 1];
        snprintf(f->found, sizeof(f->found), "migration.move_shared is on, CAP_SYS_NICE is %s",
                 held ? "held" : "not held");
        if (held)
                return;
        f->state = FINDING_LIMITED;
        f->effect = "pages that other processes map stay where they are";
        f->fix =
                "give the unit the drop-in move-shared.conf, as numabalancer.conf(5) says, or turn "
                "migration.move_shared off";
}

size_t manager_findings(Manager *m, Finding *ret, size_t max) {
        size_t n = manager_diagnose(&m->root, &m->topology,
                                    observer_source(m->observer) != SOURCE_NONE, m->bus, ret, max);
        Report report = { ret, 0, max };
        unsigned mode = 0;
        int r = kernel_balancing_read(&m->root, &mode);

        m->balancing = r < 0 ? r : (int)mode; /* what the finding tells */
        for (size_t i = 0; i < n; i++)
                if (strcmp(ret[i].id, "kernel-balancing") == 0)
                        correct_finding(m, &ret[i]);
        report.n = n;
        diagnose_kernel_moves(m, &report);
        diagnose_move_shared(m, &report);
        return report.n;
}
