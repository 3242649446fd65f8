/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "model/settings.h"

/* Writes what a setting asks for, or puts back what was there before. root_fd is the root directory
 * (tests give another); what is done and what cannot be is told in lines on f.
 *
 * A value is put back only while it still is what was written: else somebody changed it since, and it
 * stays. After such a change nothing is written to it until a restore has ended the take-over.
 * What is written stands in the state before it is written, so whatever ends the program, a later
 * restore finds the value from before.
 *
 * A value that is missing or cannot be written is no error. Errors are those of the state:
 * -EPERM, -ENOSPC, ... */
int takeover_apply(int root_fd, KernelBalancing balancing, FILE *f);
int takeover_restore(int root_fd, FILE *f);
