/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/crew.h"

#include <stddef.h>
#include <sys/eventfd.h>

void crew_init(Crew *c, const int *wake_fds, unsigned n) {
        *c = (Crew) { .n = n };
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->done, NULL);
        for (unsigned i = 0; i < n; i++)
                c->members[i].wake_fd = wake_fds[i];
}

void crew_done(Crew *c) {
        pthread_cond_destroy(&c->done);
        pthread_mutex_destroy(&c->lock);
}

void crew_rest(Crew *c, unsigned member) {
        pthread_mutex_lock(&c->lock);
        c->members[member].idle = true;
        pthread_mutex_unlock(&c->lock);
}

Help *crew_rise(Crew *c, unsigned member) {
        pthread_mutex_lock(&c->lock);
        Help *help = c->members[member].help;
        c->members[member].idle = false;
        c->members[member].help = NULL;
        if (help)
                help->state = HELP_RUNNING;
        pthread_mutex_unlock(&c->lock);
        return help;
}

void crew_finish(Crew *c, Help *help) {
        pthread_mutex_lock(&c->lock);
        help->state = HELP_DONE;
        pthread_cond_broadcast(&c->done);
        pthread_mutex_unlock(&c->lock);
}

bool crew_offer(Crew *c, Help *help) {
        bool given = false;

        pthread_mutex_lock(&c->lock);
        for (unsigned i = 0; i < c->n && help->state == HELP_IDLE; i++) {
                if (!c->members[i].idle || c->members[i].help)
                        continue;
                c->members[i].help = help;
                help->state = HELP_GIVEN;
                help->member = i;
                (void)eventfd_write(c->members[i].wake_fd, 1);
                given = true;
        }
        pthread_mutex_unlock(&c->lock);
        return given;
}

bool crew_wait(Crew *c, Help *help) {
        pthread_mutex_lock(&c->lock);
        if (help->state == HELP_GIVEN) {
                c->members[help->member].help = NULL;
                help->state = HELP_IDLE;
        }
        while (help->state == HELP_RUNNING)
                pthread_cond_wait(&c->done, &c->lock);
        bool ran = help->state == HELP_DONE;
        help->state = HELP_IDLE;
        pthread_mutex_unlock(&c->lock);
        return ran;
}

bool crew_poll(Crew *c, Help *help) {
        pthread_mutex_lock(&c->lock);
        if (help->state == HELP_DONE)
                help->state = HELP_IDLE;
        bool with_nobody = help->state == HELP_IDLE;
        pthread_mutex_unlock(&c->lock);
        return with_nobody;
}
