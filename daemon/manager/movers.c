/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <syslog.h>
#include <unistd.h>

#include "base/mathx.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "system/other_mover.h"
#include "system/vmstat.h"

/* Looking through all processes takes some 10 us each, so it is done once a minute, in portions. */
#define SCAN_EVERY_NSEC (60 * NSEC_PER_SEC)
#define SCAN_PORTION    256

/* Programs that are asked for at once; the others follow with the next tick. */
#define FOREIGN_MAX 64

/* Adding up the kernel's counters takes longer the more CPUs there are. */
#define VMSTAT_EVERY_NSEC (10 * NSEC_PER_SEC)

void manager_open_migrations(Manager *m) {
        int r = migrations_open(&m->migrations, getpid(), m->migrations_problem);

        if (r < 0)
                journal_log(LOG_INFO, "What the kernel moves is not counted: %s",
                            *m->migrations_problem ? m->migrations_problem : strerror(-r));
        (void)vmstat_read(&m->root, &m->vmstat_start);
}

static void watch_kernel(Manager *m, uint64_t now_ns) {
        uint64_t before = m->kernel_moves.others[MOVE_CAUSE_DAMON].moved, after;
        ForeignMover foreign[FOREIGN_MAX];
        size_t n;

        if (!m->migrations)
                return;
        (void)migrations_read(m->migrations, &m->kernel_moves);
        after = m->kernel_moves.others[MOVE_CAUSE_DAMON].moved;
        if (after > before)
                mover_watch_count(&m->mover_watch,
                                  &(ForeignMover) { .comm = "DAMON", .pages = after - before },
                                  now_ns);
        n = migrations_take_foreign(m->migrations, foreign, FOREIGN_MAX);
        for (size_t i = 0; i < n; i++)
                mover_watch_count(&m->mover_watch, &foreign[i], now_ns);
}

static void watch_processes(Manager *m, uint64_t now_ns) {
        bool begin = !m->mover_scan.dir;
        ForeignMover mover;

        if (begin && m->scanned_ns != 0 && now_ns - m->scanned_ns < SCAN_EVERY_NSEC)
                return;
        if (begin) {
                m->scanned_ns = now_ns;
                if (damon_migrates(&m->root))
                        mover_watch_see(&m->mover_watch, &(ForeignMover) { .comm = "DAMON" },
                                        now_ns);
        }
        if (mover_scan_step(&m->mover_scan, &m->root, SCAN_PORTION, &mover) > 0)
                mover_watch_see(&m->mover_watch, &mover, now_ns);
}

static void count(Manager *m, uint64_t now_ns) {
        Vmstat vmstat;

        m->counters.kernel_own_moved = m->kernel_moves.own.moved;
        m->counters.kernel_own_failed = m->kernel_moves.own.failed;
        m->counters.kernel_own_huge = m->kernel_moves.own.huge_moved;
        if (m->vmstat_read_ns != 0 && now_ns - m->vmstat_read_ns < VMSTAT_EVERY_NSEC)
                return;
        m->vmstat_read_ns = now_ns;
        if (vmstat_read(&m->root, &vmstat) < 0)
                return;
        m->counters.machine_moved =
                sub_sat(vmstat.migrate_success, m->vmstat_start.migrate_success);
        m->counters.machine_failed = sub_sat(vmstat.migrate_fail, m->vmstat_start.migrate_fail);
}

void manager_watch_movers(Manager *m, uint64_t now_ns) {
        const ForeignMover *mover = &m->mover_watch.mover;
        MoverChange change;

        watch_kernel(m, now_ns);
        watch_processes(m, now_ns);
        count(m, now_ns);
        change = mover_watch_conclude(&m->mover_watch, now_ns);
        if (change != MOVER_SAME)
                journal_other_mover(mover->comm, mover->pid, change == MOVER_APPEARED);
}

bool manager_yields(const Manager *m) {
        return m->mover_watch.present && !m->settings.ignore_other_movers;
}
