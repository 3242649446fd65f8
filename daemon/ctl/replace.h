/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/* Writes what a file is to hold; 0 or a negative errno. */
typedef int (*ReplaceWrite)(FILE *f, const void *userdata);

/* Writes a file next to path and puts that in its place with mode 0644, so that nobody ever reads half
 * of it; on failure the old one stays. Negative errno. */
int replace_file(const char *path, ReplaceWrite write, const void *userdata);
