/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/movement.h"

/* Whether another program moves memory. Pure; reads no clock. Zero-initialise. */

/* Pages that others have to move within MOVER_WINDOW_NSEC to count: 2 MiB. A program that moves some
 * stray pages, or a helper with its child, works against nobody. */
#define MOVER_PAGES_MIN   512
#define MOVER_WINDOW_NSEC (60 * UINT64_C(1000000000))

/* What moves memory tends to do so again: it counts as there until so long after it was last seen. */
#define MOVER_GONE_NSEC (300 * UINT64_C(1000000000))

typedef enum MoverChange {
        MOVER_SAME,
        MOVER_APPEARED,
        MOVER_VANISHED,
} MoverChange;

typedef struct MoverWatch {
        bool present;
        ForeignMover mover; /* the one seen last, also after it has vanished */
        uint64_t seen_ns;   /* when it was last seen */
        uint64_t window_ns; /* when the window of pages began */
        uint64_t pages;     /* moved by others in it */
        uint64_t most;      /* of these, by the one that moved most at once */
        ForeignMover suspect;
} MoverWatch;

/* A program that moves memory by trade was seen. */
void mover_watch_see(MoverWatch *w, const ForeignMover *mover, uint64_t now_ns);

/* Somebody moved pages of others. */
void mover_watch_count(MoverWatch *w, const ForeignMover *mover, uint64_t now_ns);

/* Takes together what was seen; call regularly. */
MoverChange mover_watch_conclude(MoverWatch *w, uint64_t now_ns);
