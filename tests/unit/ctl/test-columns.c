/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <locale.h>

#include "capture.h"
#include "ctl/columns.h"

Test(columns, are_aligned) {
        Columns c;

        columns_init(&c, ">PID NAME STATE");
        columns_add(&c, "%d", 1);
        columns_add(&c, "a-long-name");
        columns_add(&c, "x");
        columns_add(&c, "%d", 4194304);
        columns_add(&c, "b");
        columns_add(&c, "watched");
        cr_assert_eq(columns_print(&c, capture_file(), false), 0);
        cr_assert_str_eq(capture_end(), "    PID NAME        STATE\n"
                                        "      1 a-long-name x\n"
                                        "4194304 b           watched\n");
        columns_done(&c);
}

Test(columns, without_rows_show_titles) {
        Columns c;

        columns_init(&c, ">A B");
        cr_assert_eq(columns_print(&c, capture_file(), true), 0);
        cr_assert_str_eq(capture_end(), "\033[4mA B\033[0m\n");
        columns_done(&c);
}

Test(columns, width_counts_columns_not_bytes) {
        Columns c;

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                cr_skip_test("locale C.UTF-8");
        cr_assert_eq(text_width("\303\266l"), 2);
        cr_assert_eq(text_width("\344\270\255"), 2, "a wide character");
        columns_init(&c, "N X");
        columns_add(&c, "\303\266l");
        columns_add(&c, "1");
        columns_add(&c, "abc");
        columns_add(&c, "2");
        cr_assert_eq(columns_print(&c, capture_file(), false), 0);
        cr_assert_str_eq(capture_end(), "N   X\n\303\266l  1\nabc 2\n");
        columns_done(&c);
}

Test(columns, grow) {
        Columns c;

        columns_init(&c, "A");
        for (int i = 0; i < 1000; i++)
                columns_add(&c, "%d", i);
        cr_assert_eq(c.n_cells, 1001);
        cr_assert_str_eq(c.cells[1000], "999");
        columns_done(&c);
}
