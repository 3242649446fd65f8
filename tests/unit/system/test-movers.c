/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/other_mover.h"
#include "system/vmstat.h"

#include "machine.h"

static Machine m;
static Topology t;

static void begin(void) {
        machine_two_nodes(&m, &t);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(movers, .init = begin, .fini = end);

Test(movers, scan_in_portions) {
        MoverScan scan = { 0 };
        ForeignMover found;
        int finds = 0, steps = 0;

        machine_file(&m, "proc/110/comm", "numad\n");
        for (int pid = 200; pid < 220; pid++) {
                char path[64];

                snprintf(path, sizeof(path), "proc/%d/comm", pid);
                machine_file(&m, path, "bash\n");
        }
        do {
                steps++;
                if (mover_scan_step(&scan, &m.root, 3, &found) > 0) {
                        finds++;
                        cr_expect_eq(found.pid, 110);
                        cr_expect_str_eq(found.comm, "numad");
                }
        } while (scan.dir && steps < 100);
        cr_expect_eq(finds, 1);
        cr_expect_gt(steps, 6);
        cr_expect_lt(steps, 12);
        mover_scan_done(&scan);
}

Test(movers, only_these_names) {
        static const char *const others[] = { "numadx", "numa", "", "memtierd2", "migratepages" };

        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                cr_expect_not(other_mover_is_known(others[i]), "%s", others[i]);
        cr_expect(other_mover_is_known("memtierd"));
}

/* Names are free, rights are not. */
Test(movers, of_another_user) {
        MoverScan scan = { 0 };
        ForeignMover found;

        if (geteuid() != 0)
                cr_skip_test("giving a file to another user needs root");
        machine_file(&m, "proc/110/comm", "numad\n");
        cr_assert_eq(chown(tempdir_path(&m.dir, "proc/110"), 65534, 65534), 0);
        cr_expect_eq(mover_scan_step(&scan, &m.root, 100, &found), 0);
        mover_scan_done(&scan);
}

Test(movers, damon) {
        cr_expect_not(damon_migrates(&m.root));
        machine_file(&m, "sys/kernel/mm/damon/admin/kdamonds/0/state", "on\n");
        machine_file(&m, "sys/kernel/mm/damon/admin/kdamonds/0/contexts/0/schemes/0/action",
                     "pageout\n");
        cr_expect_not(damon_migrates(&m.root), "another action");
        machine_file(&m, "sys/kernel/mm/damon/admin/kdamonds/0/contexts/0/schemes/1/action",
                     "migrate_hot\n");
        cr_expect(damon_migrates(&m.root));
        machine_file(&m, "sys/kernel/mm/damon/admin/kdamonds/0/state", "off\n");
        cr_expect_not(damon_migrates(&m.root), "switched off");
}

Test(movers, vmstat) {
        Vmstat v = { 7, 7 };

        machine_file(&m, "proc/vmstat",
                     "nr_free_pages 1\npgmigrate_success 123456789012\npgmigrate_fail 3\n"
                     "pgmigrate_fail_x 9\n");
        cr_assert_eq(vmstat_read(&m.root, &v), 0);
        cr_expect_eq(v.migrate_success, 123456789012);
        cr_expect_eq(v.migrate_fail, 3);
        machine_file(&m, "proc/vmstat", "nr_free_pages 1\npgmigrate_success 1\n");
        cr_expect_eq(vmstat_read(&m.root, &v), -EBADMSG);
        cr_expect_eq(v.migrate_fail, 3, "not written");
}
