/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/settings.h"

/* Whether a process has begun to use other memory than before: then what was seen of it earlier says
 * nothing any more, and an average of both is wrong for several half-lives. Pure.
 *
 * The samples of the last minute or so are kept by intervals. Each end of an interval asks whether they fall
 * into two parts of which the later one has another remote share, by more than CHANGE_SHARE_MIN (what is
 * less, the decayed average follows soon enough) and by more than chance: the likelihood ratio of two shares
 * against one, G = 2 sum(k ln(p/p0)), exceeds CHANGE_EVIDENCE. The square of a normal deviate exceeds 30 once
 * in 23 million times. Programs are less even than coins, so G is divided by the
 * dispersion within the parts, where that is above 1. The interval in which it changes belongs to neither
 * part.
 *
 * A program that does one thing and another in turns changes all the time, and its average is what
 * counts. So each change found doubles the length that both parts need for the next one, until no change can be
 * found; every CHANGE_CALM_NS without one take that back. */
#define CHANGE_BINS      32  /* intervals kept */
#define CHANGE_BIN_MIN   8.0 /* samples of one; with less it goes on */
#define CHANGE_RECENT    3   /* intervals of the later part, at least */
#define CHANGE_BEFORE    3   /* so many more has the earlier part, to know the dispersion */
#define CHANGE_SHARE_MIN 0.1
#define CHANGE_EVIDENCE  30.0
#define CHANGE_LEVEL_MAX 3
#define CHANGE_CALM_NS   (120ull * NSEC_PER_SEC)

typedef struct ChangeBin {
        float n, remote; /* weight of the samples, and of those of remote memory */
} ChangeBin;

/* Zeroed: nothing seen. */
typedef struct ChangeWatch {
        ChangeBin bins[CHANGE_BINS]; /* oldest first */
        ChangeBin open;              /* of the running interval */
        uint32_t n_bins;
        uint32_t level;    /* how many times the lengths are doubled */
        uint64_t level_ns; /* when the level last changed */
} ChangeWatch;

/* A sample of the running interval of weight w (> 0). */
void change_add(ChangeWatch *c, double w, bool remote);

/* Ends the interval at now_ns: true once when a change is found. What was kept is dropped then, the samples
 * that showed the change included: having been picked for being different, they exaggerate. */
bool change_close(ChangeWatch *c, uint64_t now_ns);

/* Drops the samples, because they have become history for a known reason. */
void change_reset(ChangeWatch *c);
