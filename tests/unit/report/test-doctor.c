/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "report/doctor.h"

Test(doctor, prints_what_follows_and_helps) {
        const Finding findings[] = {
                { "nodes", FINDING_GOOD, "2 nodes with memory", "", "" },
                { "pressure", FINDING_LIMITED, "no PSI", "no brakes", "boot with psi=1" },
                { "btf", FINDING_MISSING, "no BTF", "no source", "another kernel" },
        };
        static const struct {
                size_t n;
                bool good;
                const char *text;
        } rows[] = {
                { 1, true, "good     2 nodes with memory\nThe daemon can act.\n" },
                { 2, true,
                  "good     2 nodes with memory\nlimited  no PSI\n         effect: no brakes\n"
                  "         help:   boot with psi=1\nThe daemon can act, within limits: 1.\n" },
                { 3, false,
                  "good     2 nodes with memory\nlimited  no PSI\n         effect: no brakes\n"
                  "         help:   boot with psi=1\nmissing  no BTF\n         effect: no source\n"
                  "         help:   another kernel\nThe daemon cannot act: 1 missing.\n" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                cr_assert_eq(doctor_print(f, findings, rows[i].n), rows[i].good, "row %zu", i);
                fclose(f);
                cr_assert_str_eq(text, rows[i].text, "row %zu", i);
                free(text);
        }
}

Test(doctor, without_a_daemon) {
        Finding findings[4];
        char *owner = NULL;
        size_t n = 7;

        setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
        cr_assert_lt(doctor_ask_daemon(findings, 4, &n, &owner), 0);
        cr_assert_eq(n, 7, "not written");
        cr_assert_null(owner);
}
