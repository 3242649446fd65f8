/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "model/plan.h"
#include "model/region.h"

/* The lines of a recording about pieces of memory (see model/recording.h). */

/* Regions of the processes of one snapshot. */
typedef struct RecordedRegions {
        Region *regions;
        size_t n;
        size_t allocated;
} RecordedRegions;

/* Adds what a region line says: one region, or n one after the other. -EBADMSG, -ENOMEM. */
int recording_parse_region(char *rest, uint32_t n_nodes, RecordedRegions *regions);

/* "START-END,...": fills *ranges, which is allocated anew, and *ret_n. -EBADMSG, -ENOMEM. */
int recording_parse_ranges(char *list, AddressRange **ranges, uint32_t *ret_n);

void recording_write_region(FILE *f, const Region *region);
void recording_write_ranges(FILE *f, const Move *move);
