/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/found.h"

#include <errno.h>
#include <stdlib.h>

int found_init(Found *f) {
        *f = (Found) { .units = calloc(FOUND_UNITS, sizeof(*f->units)) };
        if (!f->units)
                return -ENOMEM;
        pthread_mutex_init(&f->lock, NULL);
        return 0;
}

void found_done(Found *f) {
        if (!f->units)
                return;
        free(f->units);
        f->units = NULL;
        f->n = 0;
        f->pages = 0;
        pthread_mutex_destroy(&f->lock);
}

bool found_put(Found *f, const WorkUnit *unit) {
        pthread_mutex_lock(&f->lock);
        bool room = f->n < FOUND_UNITS;
        if (room) {
                f->units[(f->first + f->n++) % FOUND_UNITS] = *unit;
                f->pages += unit_count(unit);
        }
        pthread_mutex_unlock(&f->lock);
        return room;
}

bool found_take(Found *f, WorkUnit *ret) {
        pthread_mutex_lock(&f->lock);
        bool any = f->n > 0;
        if (any) {
                *ret = f->units[f->first];
                f->first = (f->first + 1) % FOUND_UNITS;
                f->n--;
                f->pages -= unit_count(ret);
        }
        pthread_mutex_unlock(&f->lock);
        return any;
}

void found_clear(Found *f) {
        pthread_mutex_lock(&f->lock);
        f->n = 0;
        f->pages = 0;
        pthread_mutex_unlock(&f->lock);
}

uint32_t found_count(Found *f) {
        pthread_mutex_lock(&f->lock);
        uint32_t n = f->n;
        pthread_mutex_unlock(&f->lock);
        return n;
}

uint64_t found_pages(Found *f) {
        if (!f->units)
                return 0;
        pthread_mutex_lock(&f->lock);
        uint64_t pages = f->pages;
        pthread_mutex_unlock(&f->lock);
        return pages;
}
