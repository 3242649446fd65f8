/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Reads a small file below dir_fd whole into buffer, NUL-terminated. Returns its length (which counts
 * NULs inside), -EFBIG when it does not fit into size - 1 bytes, or another negative errno. */
int file_read(int dir_fd, const char *path, char *buffer, size_t size);

/* Longest line that file_read_lines hands over whole: the CPU list of a machine with CPUS_MAX CPUs,
 * every other one in it, fits. Longer lines are cut. */
#define FILE_LINE_BYTES 32768

/* Takes one line without its newline, NUL-terminated and writable; anything but 0 ends the reading
 * with that value. */
typedef int (*FileLine)(char *line, void *userdata);

/* Reads a file of any length line by line in bounded memory. Returns 0, 1 when the file ended inside
 * a line (a truncated file of /proc; that line has been handed over too), what `take` returned, or a
 * negative errno. */
int file_read_lines(int dir_fd, const char *path, FileLine take, void *userdata);
