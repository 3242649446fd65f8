/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model/finding.h"

/* Prints findings for a person: what is there, and where it is not good what follows and what would
 * help; then the sum. Returns true when nothing is missing, so that the daemon can act. */
bool doctor_print(FILE *f, const Finding *findings, size_t n);

/* Asks a running daemon on the system bus for its findings. The texts of *ret are owned by *ret_owner,
 * which the caller frees. -ENOENT: no daemon is running; or what sd-bus says. */
int doctor_ask_daemon(Finding *ret, size_t max, size_t *ret_n, char **ret_owner);
