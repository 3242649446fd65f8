/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <getopt.h>
#include <string.h>

#include "ctl/options.h"

#define ARGUMENTS_MAX 8

typedef struct Row {
        const char *argv[ARGUMENTS_MAX];
        const char *verb; /* NULL: refused */
        int n_args;
} Row;

static bool parse(const Row *row, Options *ret, ExitCode *ret_code) {
        static char *argv[ARGUMENTS_MAX + 2];
        int argc = 0;

        argv[argc++] = (char *)"numabalancerctl";
        for (size_t i = 0; i < ARGUMENTS_MAX && row->argv[i]; i++)
                argv[argc++] = (char *)row->argv[i];
        argv[argc] = NULL;
        optind = 0;
        return options_parse(ret, argc, argv, ret_code);
}

Test(options, command_lines, .init = cr_redirect_stderr) {
        static const Row rows[] = {
                { { NULL }, "status", 0 },
                { { "status" }, "status", 0 },
                { { "status", "--json" }, "status", 0 },
                { { "why", "5" }, "why", 1 },
                { { "pause" }, "pause", 0 },
                { { "pause", "10min" }, "pause", 1 },
                { { "processes", "--max", "10", "--order=pid" }, "processes", 0 },
                { { "why" }, NULL, 0 },
                { { "why", "5", "6" }, NULL, 0 },
                { { "resume", "now" }, NULL, 0 },
                { { "stat" }, NULL, 0 },
                { { "" }, NULL, 0 },
                { { "--bad" }, NULL, 0 },
                { { "processes", "--max", "0" }, NULL, 0 },
                { { "processes", "--max", "10001" }, NULL, 0 },
                { { "processes", "--max", "-1" }, NULL, 0 },
                { { "processes", "--order", "size" }, NULL, 0 },
                { { "processes", "--max" }, NULL, 0 },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                ExitCode code = EXIT_DONE;
                Options o = { 0 };
                bool ok = parse(&rows[i], &o, &code);

                cr_assert_eq(ok, rows[i].verb != NULL, "row %zu", i);
                if (!ok) {
                        cr_assert_eq(code, EXIT_USAGE, "row %zu", i);
                        continue;
                }
                cr_assert_str_eq(o.verb, rows[i].verb, "row %zu", i);
                cr_assert_eq(o.n_args, rows[i].n_args, "row %zu", i);
        }
}

Test(options, values) {
        static const Row row = { { "--json", "processes", "--max", "10", "--order=pid" }, NULL, 0 };
        ExitCode code;
        Options o;

        cr_assert(parse(&row, &o, &code));
        cr_assert(o.json);
        cr_assert_eq(o.max, 10);
        cr_assert_str_eq(o.order, "pid");
        cr_assert_not(o.colour, "no terminal here");
        cr_assert_eq(o.width, 80);
}

Test(options, help_and_version, .init = cr_redirect_stdout) {
        static const Row help = { { "--help" }, NULL, 0 }, version = { { "--version" }, NULL, 0 };
        ExitCode code = EXIT_FAILED;
        Options o;

        cr_assert_not(parse(&help, &o, &code));
        cr_assert_eq(code, EXIT_DONE);
        code = EXIT_FAILED;
        cr_assert_not(parse(&version, &o, &code));
        cr_assert_eq(code, EXIT_DONE);
}
