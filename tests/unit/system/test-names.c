/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/process_names.h"

#include "machine.h"

static Machine m;

static void begin(void) {
        machine_new(&m);
        machine_open(&m);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(names, .init = begin, .fini = end);

Test(names, cgroup) {
        static const struct {
                const char *text, *path;
                int result;
        } rows[] = {
                { "0::/a/b\n", "/a/b", 0 },
                { "0::/\n", "/", 0 },
                { "0::/a:b/c (deleted)\n", "/a:b/c", 0 },
                { "2:cpu:/x\n1:name=systemd:/y\n0::/\n", "/y", 0 },
                { "1:name=systemd:/y\n0::/y\n", "/y", 0 },
                { "1:name=systemd:/\n0::/z\n", "/z", 0 },
                { "2:cpu:/x\n", "", -ENODATA },
                { "", "", -ENODATA },
                { "junk\n", "", -ENODATA },
                { "0::/0123456789abcdef0123456789abcde\n", "", -ENAMETOOLONG },
        };
        char path[32];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                machine_file(&m, "proc/7/cgroup", "%s", rows[i].text);
                cr_expect_eq(process_read_cgroup(&m.root, 7, path, sizeof(path)), rows[i].result,
                             "<%s>", rows[i].text);
                if (rows[i].result == 0)
                        cr_expect_str_eq(path, rows[i].path, "<%s>: %s", rows[i].text, path);
        }
        cr_assert_eq(process_read_cgroup(&m.root, 8, path, sizeof(path)), -ESRCH);
}

Test(names, exe) {
        char path[32];

        tempdir_mkdir(&m.dir, "proc/7");
        cr_assert_eq(process_read_exe(&m.root, 7, path, sizeof(path)), -ENODATA);
        cr_assert_eq(process_read_exe(&m.root, 8, path, sizeof(path)), -ESRCH);
        cr_assert_eq(symlink("/usr/bin/a b", tempdir_path(&m.dir, "proc/7/exe")), 0);
        cr_assert_eq(process_read_exe(&m.root, 7, path, sizeof(path)), 0);
        cr_assert_str_eq(path, "/usr/bin/a b");
        cr_assert_eq(process_read_exe(&m.root, 7, path, 12), -ENAMETOOLONG);
        cr_assert_eq(process_read_exe(&m.root, 7, path, 13), 0);
        cr_assert_eq(unlink(tempdir_path(&m.dir, "proc/7/exe")), 0);
        cr_assert_eq(symlink("/usr/bin/x (deleted)", tempdir_path(&m.dir, "proc/7/exe")), 0);
        cr_assert_eq(process_read_exe(&m.root, 7, path, sizeof(path)), 0);
        cr_assert_str_eq(path, "/usr/bin/x");
}

Test(names, users) {
        Users *users;
        const char *root;

        cr_assert_eq(users_new(&users), 0);
        root = users_name(users, 0);
        cr_assert_str_eq(root, "root");
        cr_assert_eq(users_name(users, 0), root, "looked up once");
        cr_assert_str_eq(users_name(users, 3999999999), "3999999999");
        users_free(users);
        users_free(NULL);
}
