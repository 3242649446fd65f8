/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tempdir.h"

static TempDir dir;

static void begin(void) {
        tempdir_new(&dir);
}

static void end(void) {
        tempdir_free(&dir);
}

TestSuite(config_distances, .init = begin, .fini = end);

static Settings load(const char *path) {
        char *message = NULL;
        Settings s;
        int r = config_load(path, true, &s, NULL, NULL, &message);

        cr_assert_eq(r, 0, "%d %s", r, message ? message : "");
        return s;
}

Test(config_distances, reads_and_prints) {
        char text[4096] = "";
        FILE *f = fmemopen(text, sizeof(text), "w");
        Rules *rules = rules_new();
        Settings s =
                load(tempdir_write(&dir, "a.conf", "distances = ( ( 10, 17 ), [ 1000, 10 ] );\n"));

        cr_assert_eq(s.n_distances, 2);
        cr_assert_eq(s.distances[0][0], 10);
        cr_assert_eq(s.distances[0][1], 17);
        cr_assert_eq(s.distances[1][0], 1000);
        cr_assert_eq(config_print(f, &s, rules), 0);
        fclose(f);
        rules_free(rules);
        s = load(tempdir_write(&dir, "b.conf", text));
        cr_assert_eq(s.n_distances, 2, "%s", text);
        cr_assert_eq(s.distances[0][1], 17);
        cr_assert_eq(s.distances[1][0], 1000);
}

Test(config_distances, none_and_taken_back) {
        cr_assert_eq(load(tempdir_write(&dir, "a.conf", "")).n_distances, 0);
        cr_assert_eq(load(tempdir_write(&dir, "b.conf", "distances = ( );")).n_distances, 0);
        tempdir_write(&dir, "c.conf", "distances = ( ( 10, 20 ), ( 20, 10 ) );");
        tempdir_write(&dir, "c.conf.d/1.conf", "distances = ( );");
        cr_assert_eq(load(tempdir_path(&dir, "c.conf")).n_distances, 0);
}

Test(config_distances, what_is_wrong_is_told_with_its_line) {
        static const struct {
                const char *text, *message;
        } rows[] = {
                { "distances = 5;", ":1: distances: it must be a list of rows" },
                { "distances = [ 10 ];", ":1: distances: it must be a list of rows" },
                { "distances: { a = 1; };", ":1: distances: it must be a list of rows" },
                { "distances = ( 10 );", ":1: distances: each of the 1 rows must have 1 numbers" },
                { "distances = ( ( 10, 20 ) );", "each of the 1 rows must have 1 numbers" },
                { "distances = (\n( 10, 20 ),\n( 20 ) );", ":3: distances: each of the 2 rows" },
                { "distances = ( ( 10.0 ) );", "each must be a whole number" },
                { "distances = ( ( \"10\" ) );", "each must be a whole number" },
                { "distances = ( ( 11 ) );", "a node is at 10 from itself, not 11" },
                { "distances = ( ( 10, 9 ), ( 20, 10 ) );", "9 is not allowed; allowed are 10 to" },
                { "distances = ( ( 10, 1001 ), ( 20, 10 ) );", "1001 is not allowed" },
                { "distances = ( ( 10, 4294967306L ), ( 20, 10 ) );", "4294967306 is not allowed" },
                { "distances = ( ( 10, -20 ), ( 20, 10 ) );", "-20 is not allowed" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *path = tempdir_write(&dir, "wrong.conf", rows[i].text);
                char *message = NULL;
                Settings s;

                cr_expect_eq(config_load(path, true, &s, NULL, NULL, &message), -EBADMSG, "row %zu",
                             i);
                cr_expect(message && strstr(message, rows[i].message), "row %zu: %s", i,
                          message ? message : "no message");
                free(message);
        }
}
