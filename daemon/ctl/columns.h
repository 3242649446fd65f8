/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A column of titles and one for each of 64 nodes. */
#define COLUMNS_MAX 65

/* A table that is printed once all its cells are known, each column as wide as its widest cell. */
typedef struct Columns {
        size_t n_columns;
        bool right[COLUMNS_MAX]; /* aligned to the right, for numbers */
        char **cells;            /* row by row, the titles first */
        size_t n_cells;
        size_t allocated;
        bool failed; /* memory ran out; nothing will be printed */
} Columns;

/* Titles are separated by spaces; '>' before a title aligns its column to the right. */
void columns_init(Columns *c, const char *titles);
void columns_done(Columns *c);

/* Adds one more column; only before the first cell. */
void columns_title(Columns *c, const char *title, bool right);

/* Adds the next cell, as printf makes it. */
void columns_add(Columns *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the table; with colour the titles are underlined. -ENOMEM when a cell could not be kept. */
int columns_print(const Columns *c, FILE *f, bool colour);

/* Columns that a UTF-8 text takes on a terminal in the current locale; bytes when it is invalid. */
size_t text_width(const char *s);

/* Cuts a text in place so that it takes at most width columns, at a character boundary. */
void text_clip(char *s, size_t width);
