/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Bytes that n raw bytes can grow to, with the terminating NUL. */
#define ESCAPE_BYTES(n) (4 * (size_t)(n) + 1)

/* Turns raw bytes into valid UTF-8 that is safe to show: control characters (C0, DEL, C1), the
 * backslash, bidirectional overrides and bytes that are no UTF-8 become \xNN, one for each byte; all
 * else stays. What does not fit into size bytes is cut at a character or escape boundary. dst is
 * always NUL-terminated (size >= 1). Returns the length written, without the NUL. */
size_t escape_bytes(char *dst, size_t size, const void *src, size_t n);

/* The same for a NUL-terminated string. */
size_t escape_string(char *dst, size_t size, const char *src);

/* The same, uncut, as a new string that the caller frees. NULL: no memory. */
char *escape_text(const char *src);
