/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define BATCH_ENTRIES 4096

int per_cpu_open(PerCpuCounts *ret, size_t bytes) {
        PerCpuCounts c = { .n_words = bytes / sizeof(uint64_t) };

        c.n_cpus = libbpf_num_possible_cpus();
        if (c.n_cpus < 0)
                return c.n_cpus;
        c.words = calloc((size_t)c.n_cpus * c.n_words, sizeof(*c.words));
        if (!c.words)
                return -ENOMEM;
        *ret = c;
        return 0;
}

void per_cpu_close(PerCpuCounts *c) {
        free(c->words);
        *c = (PerCpuCounts) {};
}

int per_cpu_sum(PerCpuCounts *c, int map, uint32_t index, void *ret) {
        uint64_t *sums = ret;
        int r = bpf_map_lookup_elem(map, &index, c->words);

        if (r < 0)
                return r;
        memset(ret, 0, c->n_words * sizeof(*sums));
        for (size_t i = 0; i < (size_t)c->n_cpus * c->n_words; i++)
                sums[i % c->n_words] += c->words[i];
        return 0;
}

int map_drain_open(MapDrain *ret, size_t key_bytes, size_t value_bytes) {
        MapDrain d = {
                .keys = calloc(BATCH_ENTRIES, key_bytes),
                .values = calloc(BATCH_ENTRIES, value_bytes),
                .key_bytes = key_bytes,
                .value_bytes = value_bytes,
        };

        if (!d.keys || !d.values) {
                map_drain_close(&d);
                return -ENOMEM;
        }
        *ret = d;
        return 0;
}

void map_drain_close(MapDrain *d) {
        free(d->keys);
        free(d->values);
        *d = (MapDrain) {};
}

int map_drain(MapDrain *d, int map, MapEntryHandler handler, void *userdata) {
        uint32_t position = 0, n;
        void *start = NULL;
        int r;

        do {
                n = BATCH_ENTRIES;
                r = bpf_map_lookup_and_delete_batch(map, start, &position, d->keys, d->values, &n,
                                                    NULL);
                if (r < 0 && r != -ENOENT)
                        return r;
                for (uint32_t i = 0; i < n; i++)
                        handler(d->keys + i * d->key_bytes, d->values + i * d->value_bytes,
                                userdata);
                start = &position;
        } while (r == 0);
        return 0;
}
