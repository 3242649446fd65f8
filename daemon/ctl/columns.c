/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/columns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"

size_t text_width(const char *s) {
        cleanup_free wchar_t *wide = NULL;
        size_t n = mbstowcs(NULL, s, 0);
        int width;

        if (n == (size_t)-1)
                return strlen(s);
        wide = calloc(n + 1, sizeof *wide);
        if (!wide || mbstowcs(wide, s, n + 1) == (size_t)-1)
                return strlen(s);
        width = wcswidth(wide, n);
        return width < 0 ? n : (size_t)width;
}

void text_clip(char *s, size_t width) {
        size_t column = 0;
        mbstate_t state = { 0 };

        while (*s) {
                wchar_t wide;
                size_t n = mbrtowc(&wide, s, MB_CUR_MAX, &state);
                int w = 1;

                /* What is no character in this locale counts as one column a byte. */
                if (n == (size_t)-1 || n == (size_t)-2) {
                        state = (mbstate_t) { 0 };
                        n = 1;
                } else if ((w = wcwidth(wide)) < 0) {
                        w = 1;
                }
                if (column + (size_t)w > width) {
                        *s = 0;
                        return;
                }
                column += (size_t)w;
                s += n;
        }
}

static void take_cell(Columns *c, char *cell) {
        if (c->n_cells == c->allocated) {
                size_t more = c->allocated ? 2 * c->allocated : 64;
                char **cells = reallocarray(c->cells, more, sizeof *cells);

                if (!cells) {
                        free(cell);
                        c->failed = true;
                        return;
                }
                c->cells = cells;
                c->allocated = more;
        }
        if (!cell)
                c->failed = true;
        c->cells[c->n_cells++] = cell;
}

void columns_title(Columns *c, const char *title, bool right) {
        if (c->n_columns >= COLUMNS_MAX)
                return;
        c->right[c->n_columns++] = right;
        take_cell(c, strdup(title));
}

void columns_init(Columns *c, const char *titles) {
        *c = (Columns) { 0 };
        while (*titles) {
                bool right = *titles == '>';
                size_t n = strcspn(titles += right, " ");
                cleanup_free char *title = strndup(titles, n);

                columns_title(c, title ?: "", right);
                titles += n + strspn(titles + n, " ");
        }
}

void columns_done(Columns *c) {
        for (size_t i = 0; i < c->n_cells; i++)
                free(c->cells[i]);
        free(c->cells);
        *c = (Columns) { 0 };
}

void columns_add(Columns *c, const char *format, ...) {
        char *cell = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&cell, format, ap);
        va_end(ap);
        take_cell(c, n < 0 ? NULL : cell);
}

static void print_row(const Columns *c, FILE *f, size_t row, const size_t *widths) {
        for (size_t i = 0; i < c->n_columns; i++) {
                const char *cell = c->cells[row * c->n_columns + i];
                int pad = (int)(widths[i] - text_width(cell));
                bool last = i + 1 == c->n_columns;

                if (c->right[i])
                        fprintf(f, "%*s%s", pad, "", cell);
                else
                        fprintf(f, "%s%*s", cell, last ? 0 : pad, "");
                if (!last)
                        fputc(' ', f);
        }
}

int columns_print(const Columns *c, FILE *f, bool colour) {
        size_t widths[COLUMNS_MAX] = { 0 };

        if (c->failed || c->n_columns == 0)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_cells; i++) {
                size_t width = text_width(c->cells[i]);

                if (width > widths[i % c->n_columns])
                        widths[i % c->n_columns] = width;
        }
        for (size_t row = 0; row < c->n_cells / c->n_columns; row++) {
                if (row == 0 && colour)
                        fputs("\033[4m", f);
                print_row(c, f, row, widths);
                if (row == 0 && colour)
                        fputs("\033[0m", f);
                fputc('\n', f);
        }
        return 0;
}
