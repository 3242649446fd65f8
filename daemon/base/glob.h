/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/* Whether all of text fits the shell pattern: "*" any bytes (also "/"), "?" one byte, "[a-z]" one
 * byte of a set, "[!a-z]" or "[^a-z]" one byte out of it. There is no escape character; put a
 * special character into brackets: "[*]". "[" without an end stands for itself. Bytes are compared
 * raw, whatever the locale. The time grows at most with the product of the two lengths, so hostile
 * text cannot stall the daemon (as it can fnmatch(3)). */
bool glob_match(const char *pattern, const char *text);
