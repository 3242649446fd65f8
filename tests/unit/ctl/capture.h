/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* What is printed to capture_file() as a string; the buffer lives until the next capture. */
static char *capture_text;
static size_t capture_size;
static FILE *capture_stream;

static inline FILE *capture_file(void) {
        free(capture_text);
        capture_text = NULL;
        capture_stream = open_memstream(&capture_text, &capture_size);
        return capture_stream;
}

static inline const char *capture_end(void) {
        fclose(capture_stream);
        return capture_text;
}
