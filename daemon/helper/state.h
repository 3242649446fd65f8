/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "helper/tunables.h"

/* Where the values from before are kept between apply and restore: a file in a directory of its own
 * below /run, which nobody but root can enter. */
#define STATE_DIRECTORY "run/numabalancerd-kernel"

/* Opens the directory and locks it against a second run; created: it is made where it is missing.
 * Returns a descriptor, or a negative errno: -ENOENT it does not exist; -EPERM it is a link, belongs
 * to somebody else or may be written by others. */
int state_open(int root_fd, bool create);

/* Reads what was saved; *ret_bad is the number of lines that were no good. Nothing saved, a file that
 * is a link, no regular file, somebody else's or too large: all empty, the latter with *ret_bad 1. */
void state_read(int dir_fd, Saved ret[static TUNABLE_MAX], unsigned *ret_bad);

/* Replaces the file as a whole, or removes it when nothing is saved. */
int state_write(int dir_fd, const Saved saved[static TUNABLE_MAX]);

/* Removes the directory when it is empty. */
void state_remove(int root_fd);
