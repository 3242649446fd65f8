/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What BPF programs count in their maps, read alike for all sources. */

/* A struct of 64-bit counts in a per-CPU array. Zeroed: closed. */
typedef struct PerCpuCounts {
        uint64_t *words; /* [n_cpus][n_words] */
        size_t n_words;
        int n_cpus; /* possible ones */
} PerCpuCounts;

/* `bytes` is the size of the struct. -ENOMEM, or what asking for the CPUs says. */
int per_cpu_open(PerCpuCounts *ret, size_t bytes);
void per_cpu_close(PerCpuCounts *c);

/* The counts at this index of the map, each summed over all CPUs. */
int per_cpu_sum(PerCpuCounts *c, int map, uint32_t index, void *ret);

/* A hash that is emptied again and again. Zeroed: closed. */
typedef struct MapDrain {
        uint8_t *keys, *values; /* of one batch */
        size_t key_bytes, value_bytes;
} MapDrain;

typedef void (*MapEntryHandler)(const void *key, const void *value, void *userdata);

int map_drain_open(MapDrain *ret, size_t key_bytes, size_t value_bytes);
void map_drain_close(MapDrain *d);

/* Takes out all entries and hands them over; on an error those that were taken so far. */
int map_drain(MapDrain *d, int map, MapEntryHandler handler, void *userdata);
