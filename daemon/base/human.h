/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Rounded values for sentences and tables that people read; exact values belong into fields. Each
 * function writes a NUL-terminated text into buf (HUMAN_BYTES always suffices) and returns buf, so
 * that it can stand in an argument list. */

#define HUMAN_BYTES 32

/* Powers of 1024: "812 B", "64.0 MiB", "1.5 GiB". */
char *human_bytes(char *buf, size_t size, uint64_t bytes);

/* "250 ns", "20 ms", "1.9 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
char *human_duration(char *buf, size_t size, uint64_t ns);

/* A share 0..1 as "97 %", "2.3 %", "0 %"; NAN and infinities give "unknown". */
char *human_share(char *buf, size_t size, double share);

/* Buffers of an expression's lifetime. */
#define HUMAN_SIZE(bytes)  human_bytes((char[HUMAN_BYTES]) { 0 }, HUMAN_BYTES, (bytes))
#define HUMAN_TIME(ns)     human_duration((char[HUMAN_BYTES]) { 0 }, HUMAN_BYTES, (ns))
#define HUMAN_SHARE(share) human_share((char[HUMAN_BYTES]) { 0 }, HUMAN_BYTES, (share))
