/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "observe/attribute.h"

/* The model that fits this processor: QEMU's software emulation, told by its hypervisor signature,
 * has no skid; everything else is taken for a real processor (also under KVM, Xen, Hyper-V). */
SkidModel skid_detect(void);

/* An emulator need not tell that it is one. But it is interrupted between blocks only, while timers
 * strike a real processor anywhere: so the share of sampled places at which a block begins tells
 * them apart: 8 % on an AMD EPYC, 80 % in QEMU (not 100 %, as the captured bytes do not show every
 * branch). Each place counts once, or one hot loop would decide. */
#define SKID_PLACES_MIN    200
#define SKID_BLOCK_PERCENT 70
#define SKID_PLACES_HASHED 4096

typedef struct SkidCalibration {
        uint64_t seen[SKID_PLACES_HASHED / 64];
        uint32_t places;
        uint32_t block_starts;
} SkidCalibration;

/* Takes a sample into account. */
void skid_learn(SkidCalibration *c, const CodeWindow *window);

/* 1 and the model that the samples speak for, with the percent of the places at which a block begins;
 * 0 while there are too few places. */
int skid_conclude(const SkidCalibration *c, SkidModel *ret, unsigned *ret_percent);
