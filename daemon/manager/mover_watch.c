/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager/mover_watch.h"

void mover_watch_see(MoverWatch *w, const ForeignMover *mover, uint64_t now_ns) {
        w->mover = *mover;
        w->seen_ns = now_ns;
}

void mover_watch_count(MoverWatch *w, const ForeignMover *mover, uint64_t now_ns) {
        if (w->pages == 0 || now_ns - w->window_ns >= MOVER_WINDOW_NSEC) {
                w->window_ns = now_ns;
                w->pages = w->most = 0;
        }
        w->pages += mover->pages;
        if (mover->pages >= w->most) {
                w->most = mover->pages;
                w->suspect = *mover;
        }
        if (w->pages >= MOVER_PAGES_MIN)
                mover_watch_see(w, &w->suspect, now_ns);
}

MoverChange mover_watch_conclude(MoverWatch *w, uint64_t now_ns) {
        bool present = w->seen_ns != 0 && now_ns - w->seen_ns < MOVER_GONE_NSEC;
        bool before = w->present;

        w->present = present;
        return present == before ? MOVER_SAME : present ? MOVER_APPEARED : MOVER_VANISHED;
}
