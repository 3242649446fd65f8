/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A parser that is fed with hostile input. run() gets any bytes and must come back; what it promises
 * about the result it checks with FUZZ_CHECK. */
typedef struct FuzzTarget {
        const char *name;
        void (*run)(const uint8_t *data, size_t size);
        const char *const *seeds;  /* valid inputs to begin with, NULL-terminated */
        const char *const *tokens; /* words that are put in, NULL-terminated */
} FuzzTarget;

extern const FuzzTarget fuzz_config, fuzz_parse, fuzz_proc, fuzz_maps, fuzz_node, fuzz_code;

#define FUZZ_CHECK(condition)                                                                      \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* The input as a string: cut at its first NUL. To be freed. */
char *fuzz_string(const uint8_t *data, size_t size);

/* A directory for the files of a target, made once per run and removed at the end. */
const char *fuzz_directory(void);

/* Writes a file below it, making directories as needed. */
void fuzz_write(const char *path, const void *data, size_t size);
