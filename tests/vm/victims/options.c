/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../oracle/layout.h"
#include "victim.h"

typedef enum Kind {
        KIND_NUMBER, /* unsigned */
        KIND_NODE,   /* int, -1 when not given */
        KIND_FLAG,   /* bool */
        KIND_SIZE,
        KIND_SWITCH, /* int: -1 when not given, 0 for off, 1 for on */
        KIND_TEXT,
        KIND_PATTERN,
        KIND_THREADS,
} Kind;

typedef struct Known {
        const char *name;
        Kind kind;
        size_t offset;
} Known;

#define FIELD(name) offsetof(Options, name)

static const Known known[] = {
        { "id", KIND_NUMBER, FIELD(id) },
        { "size", KIND_SIZE, FIELD(size_bytes) },
        { "mem-node", KIND_NODE, FIELD(mem_node) },
        { "split", KIND_NUMBER, FIELD(split_percent) },
        { "run-node", KIND_NODE, FIELD(run_node) },
        { "pattern", KIND_PATTERN, 0 },
        { "threads", KIND_THREADS, 0 },
        { "hop", KIND_NUMBER, FIELD(hop_seconds) },
        { "share-with", KIND_NODE, FIELD(share_node) },
        { "mlock", KIND_FLAG, FIELD(lock) },
        { "thp", KIND_SWITCH, FIELD(thp) },
        { "hugetlb", KIND_FLAG, FIELD(hugetlb) },
        { "idle", KIND_FLAG, FIELD(idle) },
        { "interleave", KIND_FLAG, FIELD(interleave) },
        { "bind", KIND_NODE, FIELD(bind_node) },
        { "mbind", KIND_NODE, FIELD(mbind_node) },
        { "mbind-sampled", KIND_NODE, FIELD(mbind_sampled_node) },
        { "pin-uring", KIND_NUMBER, FIELD(pin_uring_percent) },
        { "pin-vmsplice", KIND_NUMBER, FIELD(pin_vmsplice_pages) },
        { "exit-after", KIND_NUMBER, FIELD(exit_after_seconds) },
        { "checksum", KIND_FLAG, FIELD(checksum) },
        { "name", KIND_TEXT, FIELD(name) },
        { "progress", KIND_TEXT, FIELD(progress_path) },
        { "shmem", KIND_FLAG, FIELD(shmem) },
        { "file", KIND_TEXT, FIELD(file_path) },
        { "remap", KIND_TEXT, FIELD(remap_path) },
};

#define N_KNOWN (sizeof(known) / sizeof(*known))

_Noreturn void victim_die(const char *what) {
        fprintf(stderr, "victim: %s\n", what);
        exit(2);
}

static unsigned parse_number(const char *text) {
        char *end;
        unsigned long value = strtoul(text, &end, 10);

        if (end == text || *end != '\0')
                victim_die("a number was expected");

        return (unsigned)value;
}

static size_t parse_size(const char *text) {
        char *end;
        size_t value = strtoull(text, &end, 10);

        if (*end == 'G')
                value <<= 30;
        else if (*end == 'M')
                value <<= 20;
        else if (*end == 'K')
                value <<= 10;
        if (value == 0)
                victim_die("--size: a number with K, M or G");

        return value;
}

static void parse_pattern(const char *text, Options *o) {
        static const char *const names[] = {
                "random", "chase", "stream", "hash", "write", "pages"
        };

        if (strncmp(text, "mix=", 4) == 0) {
                o->pattern = PATTERN_MIX;
                o->write_percent = parse_number(text + 4);
                return;
        }
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strcmp(text, names[i]) == 0) {
                        o->pattern = (Pattern)i;
                        return;
                }
        victim_die("--pattern: random, chase, stream, hash, write, pages or mix=PERCENT");
}

static void parse_threads(const char *text, Options *o) {
        static const char *const names[] = { "", "per-node", "halves", "swapped" };

        for (int i = LAYOUT_PER_NODE; i <= LAYOUT_SWAPPED; i++)
                if (strcmp(text, names[i]) == 0) {
                        o->layout = (Layout)i;
                        return;
                }
        o->n_threads = parse_number(text);
        if (o->n_threads == 0 || o->n_threads > VICTIM_MAX_THREADS)
                victim_die("--threads: 1 to 16, per-node, halves or swapped");
}

static void set_option(const Known *k, const char *text, Options *o) {
        void *field = (char *)o + k->offset;

        switch (k->kind) {
        case KIND_NUMBER:
                *(unsigned *)field = parse_number(text);
                break;
        case KIND_NODE:
                *(int *)field = (int)parse_number(text);
                break;
        case KIND_FLAG:
                *(bool *)field = true;
                break;
        case KIND_SIZE:
                *(size_t *)field = parse_size(text);
                break;
        case KIND_SWITCH:
                *(int *)field = strcmp(text, "on") == 0;
                break;
        case KIND_TEXT:
                *(const char **)field = text;
                break;
        case KIND_PATTERN:
                parse_pattern(text, o);
                break;
        case KIND_THREADS:
                parse_threads(text, o);
                break;
        }
}

void options_parse(int argc, char **argv, Options *ret_options) {
        struct option table[N_KNOWN + 1] = { 0 };
        int index = 0;
        Options o = {
                .size_bytes = 512UL << 20,
                .split_percent = 100,
                .n_threads = 1,
                .mem_node = -1,
                .run_node = -1,
                .share_node = -1,
                .bind_node = -1,
                .mbind_node = -1,
                .mbind_sampled_node = -1,
                .thp = -1,
        };

        for (size_t i = 0; i < N_KNOWN; i++) {
                table[i].name = known[i].name;
                table[i].has_arg = known[i].kind == KIND_FLAG ? no_argument : required_argument;
        }
        for (int c; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
                if (c != 0)
                        exit(2);
                set_option(&known[index], optarg, &o);
        }
        if (optind < argc || o.id >= VM_WINDOW_SELFTEST)
                victim_die("no words but options; --id 0 to 14");
        if (o.split_percent > 100)
                victim_die("--split: a percentage");
        o.share = o.share_node >= 0;
        *ret_options = o;
}
