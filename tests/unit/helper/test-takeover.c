/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/takeover.h"

#include <fcntl.h>

#include "tempdir.h"

#define SYSCTL  "proc/sys/kernel/numa_balancing"
#define DEBUGFS "sys/kernel/debug/sched/numa_balancing/"
#define STATE   "run/numabalancerd-kernel/state"

static TempDir dir;
static int root_fd;
static char told[4096];

static void put(const char *path, int value) {
        char text[16];

        snprintf(text, sizeof(text), "%d\n", value);
        tempdir_write(&dir, path, text);
}

/* The value of a file, or -1. */
static int get(const char *path) {
        FILE *f = fopen(tempdir_path(&dir, path), "re");
        int value = -1;

        if (f && fscanf(f, "%d", &value) != 1)
                value = -2;
        if (f)
                fclose(f);
        return value;
}

/* A kernel with its values as after boot, and an empty /run. */
static void begin(void) {
        tempdir_new(&dir);
        tempdir_mkdir(&dir, "run");
        put(SYSCTL, 1);
        put(DEBUGFS "scan_delay_ms", 1000);
        put(DEBUGFS "scan_period_min_ms", 1000);
        put(DEBUGFS "scan_period_max_ms", 60000);
        put(DEBUGFS "scan_size_mb", 256);
        root_fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cr_assert_geq(root_fd, 0);
}

static void end(void) {
        close(root_fd);
        tempdir_free(&dir);
}

TestSuite(takeover, .init = begin, .fini = end);

static int apply_told(KernelBalancing balancing) {
        FILE *f = fmemopen(told, sizeof(told), "w");
        int r = takeover_apply(root_fd, balancing, f);

        fputc('\0', f);
        fclose(f);
        return r;
}

static void apply(KernelBalancing balancing) {
        int r = apply_told(balancing);

        cr_assert_eq(r, 0, "%s: %d: %s", balancing_to_string(balancing), r, told);
}

static void restore(void) {
        apply(BALANCING_LEAVE);
}

static void expect(const char *when, int balancing, int delay, int min, int max, int size) {
        cr_expect_eq(get(SYSCTL), balancing, "%s: balancing is %d", when, get(SYSCTL));
        cr_expect_eq(get(DEBUGFS "scan_delay_ms"), delay, "%s: delay", when);
        cr_expect_eq(get(DEBUGFS "scan_period_min_ms"), min, "%s: min", when);
        cr_expect_eq(get(DEBUGFS "scan_period_max_ms"), max, "%s: max", when);
        cr_expect_eq(get(DEBUGFS "scan_size_mb"), size, "%s: size", when);
}

static bool exists(const char *path) {
        return access(tempdir_path(&dir, path), F_OK) == 0;
}

Test(takeover, leave_touches_nothing) {
        apply(BALANCING_LEAVE);
        expect("leave", 1, 1000, 1000, 60000, 256);
        cr_expect_not(exists("run/numabalancerd-kernel"));
        cr_expect_str_eq(told, "");
}

Test(takeover, off_and_back) {
        struct stat st;

        apply(BALANCING_OFF);
        expect("off", 0, 1000, 1000, 60000, 256);
        cr_assert_eq(stat(tempdir_path(&dir, "run/numabalancerd-kernel"), &st), 0);
        cr_expect_eq(st.st_mode & 0777, 0700);
        apply(BALANCING_OFF); /* a second time, as at reload or after a crash of both */
        restore();
        expect("restored", 1, 1000, 1000, 60000, 256);
        cr_expect_not(exists("run/numabalancerd-kernel"));
        restore();
        expect("twice", 1, 1000, 1000, 60000, 256);
}

Test(takeover, sample_and_back) {
        put(SYSCTL, 0);
        apply(BALANCING_SAMPLE);
        expect("sample", 1, 10000, 60000, 60000, 16);
        restore();
        expect("restored", 0, 1000, 1000, 60000, 256);
}

Test(takeover, from_mode_to_mode) {
        apply(BALANCING_OFF);
        apply(BALANCING_SAMPLE);
        expect("off to sample", 1, 10000, 60000, 60000, 16);
        apply(BALANCING_OFF);
        expect("sample to off", 0, 1000, 1000, 60000, 256);
        apply(BALANCING_LEAVE);
        expect("off to leave", 1, 1000, 1000, 60000, 256);
        cr_expect_not(exists(STATE));
}

Test(takeover, tiering_is_never_touched) {
        put(SYSCTL, 3);
        apply(BALANCING_OFF);
        cr_expect_eq(get(SYSCTL), 2);
        apply(BALANCING_SAMPLE);
        cr_expect_eq(get(SYSCTL), 3);
        restore();
        cr_expect_eq(get(SYSCTL), 3);
        put(SYSCTL, 2);
        apply(BALANCING_SAMPLE);
        cr_expect_eq(get(SYSCTL), 3);
        restore();
        cr_expect_eq(get(SYSCTL), 2);
}

Test(takeover, changes_of_others_stay) {
        put(SYSCTL, 0);
        apply(BALANCING_SAMPLE);
        put(DEBUGFS "scan_size_mb", 64);
        put(SYSCTL, 0); /* which is what was before, too */
        apply(BALANCING_SAMPLE);
        expect("reloaded", 0, 10000, 60000, 60000, 64);
        cr_expect(strstr(told, "scan_size_mb is 64 and not 16"), "%s", told);
        apply(BALANCING_OFF);
        cr_expect_eq(get(SYSCTL), 0);
        apply(BALANCING_SAMPLE);
        cr_expect_eq(get(SYSCTL), 0, "another setting does not overrule a change either");
        restore();
        expect("restored", 0, 1000, 1000, 60000, 64);
        apply(BALANCING_SAMPLE);
        expect("taken anew", 1, 10000, 60000, 60000, 16);
        restore();
        expect("restored to the change", 0, 1000, 1000, 60000, 64);
}

Test(takeover, old_kernels_have_sysctls) {
        static const char *const names[] = { "scan_delay_ms", "scan_period_min_ms",
                                             "scan_period_max_ms", "scan_size_mb" };

        for (size_t i = 0; i < 4; i++) {
                char path[128];

                snprintf(path, sizeof(path), DEBUGFS "%s", names[i]);
                cr_assert_eq(unlink(tempdir_path(&dir, path)), 0);
                snprintf(path, sizeof(path), SYSCTL "_%s", names[i]);
                put(path, 1000);
        }
        apply(BALANCING_SAMPLE);
        cr_expect_eq(get(SYSCTL "_scan_period_min_ms"), 60000);
        cr_expect_eq(get(SYSCTL "_scan_size_mb"), 16);
        cr_expect_eq(get(SYSCTL), 1);
        restore();
        cr_expect_eq(get(SYSCTL "_scan_period_min_ms"), 1000);
        cr_expect_eq(get(SYSCTL "_scan_size_mb"), 1000);
}

Test(takeover, without_debugfs_nothing_is_switched_on) {
        put(SYSCTL, 0);
        cr_assert_eq(unlink(tempdir_path(&dir, DEBUGFS "scan_period_min_ms")), 0);
        apply(BALANCING_SAMPLE);
        cr_expect_eq(get(SYSCTL), 0);
        cr_expect(strstr(told, "is debugfs mounted"), "%s", told);
        cr_expect(strstr(told, "stays as it is"), "%s", told);
        restore();
        expect("restored", 0, 1000, -1, 60000, 256);
}

Test(takeover, without_balancing_in_the_kernel) {
        cr_assert_eq(unlink(tempdir_path(&dir, SYSCTL)), 0);
        apply(BALANCING_OFF);
        cr_expect(strstr(told, "no NUMA balancing"), "%s", told);
        cr_expect_not(exists(STATE));
}

/* Killed between writing the state and writing the value. */
Test(takeover, killed_in_between) {
        apply(BALANCING_OFF);
        put(SYSCTL, 1);
        restore();
        cr_expect_eq(get(SYSCTL), 1);
        apply(BALANCING_OFF);
        cr_expect_eq(get(SYSCTL), 0);
        tempdir_write(&dir, "run/numabalancerd-kernel/state.new", "kernel.numa_bal");
        apply(BALANCING_SAMPLE);
        restore();
        expect("restored", 1, 1000, 1000, 60000, 256);
}

/* What is no state of ours is not believed, and nothing is written through links. */
Test(takeover, hostile_state) {
        struct stat st;

        apply(BALANCING_OFF);
        tempdir_write(&dir, STATE, "kernel.numa_balancing 1 0\nkernel.panic 1 2\ntrunc");
        restore();
        cr_expect_eq(get(SYSCTL), 1, "the good line counts");
        cr_expect(strstr(told, "2 lines"), "%s", told);

        apply(BALANCING_OFF);
        tempdir_write(&dir, "victim", "kernel.numa_balancing 1 0\n");
        cr_assert_eq(unlink(tempdir_path(&dir, STATE)), 0);
        cr_assert_eq(symlink("../../victim", tempdir_path(&dir, STATE)), 0);
        restore();
        cr_expect_eq(get(SYSCTL), 0, "a link is not followed");

        cr_assert_eq(mkdir(tempdir_path(&dir, "run/numabalancerd-kernel"), 0700), 0);
        cr_assert_eq(symlink("../../victim", tempdir_path(&dir, STATE ".new")), 0);
        put(SYSCTL, 1);
        apply(BALANCING_OFF);
        cr_assert_eq(lstat(tempdir_path(&dir, STATE), &st), 0);
        cr_expect(S_ISREG(st.st_mode), "the link was replaced");
        cr_expect_eq(st.st_mode & 0777, 0600);
        restore();
        cr_expect_eq(get(SYSCTL), 1);
}

Test(takeover, hostile_directory) {
        tempdir_mkdir(&dir, "elsewhere");
        cr_assert_eq(symlink("../elsewhere", tempdir_path(&dir, "run/numabalancerd-kernel")), 0);
        cr_expect_eq(apply_told(BALANCING_OFF), -EPERM);
        cr_expect_eq(get(SYSCTL), 1);
        cr_assert_eq(unlink(tempdir_path(&dir, "run/numabalancerd-kernel")), 0);
        tempdir_mkdir(&dir, "run/numabalancerd-kernel");
        cr_assert_eq(chmod(tempdir_path(&dir, "run/numabalancerd-kernel"), 0777), 0);
        cr_expect_eq(apply_told(BALANCING_OFF), -EPERM);
        cr_expect_eq(get(SYSCTL), 1);
}
