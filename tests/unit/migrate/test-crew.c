/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/crew.h"

#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <unistd.h>

static Crew crew;
static int wake_fds[2];

static void start(void) {
        for (int i = 0; i < 2; i++)
                wake_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        crew_init(&crew, wake_fds, 2);
}

static void stop(void) {
        crew_done(&crew);
        for (int i = 0; i < 2; i++)
                close(wake_fds[i]);
}

static bool is_woken(int member) {
        eventfd_t value;

        return eventfd_read(wake_fds[member], &value) == 0;
}

TestSuite(crew, .init = start, .fini = stop);

Test(crew, nobody_idle_nobody_helps) {
        Help help = { 0 };

        cr_assert(!crew_offer(&crew, &help));
        cr_assert(crew_poll(&crew, &help));
        cr_assert(!crew_wait(&crew, &help));
}

Test(crew, the_idle_one_is_given_it_and_woken) {
        Help help = { 0 };

        crew_rest(&crew, 1);
        cr_assert(crew_offer(&crew, &help));
        cr_assert(!is_woken(0));
        cr_assert(is_woken(1));
        cr_assert(!crew_offer(&crew, &help), "given already");
        cr_assert(!crew_poll(&crew, &help));
        cr_assert_eq(crew_rise(&crew, 1), &help);
        cr_assert(!crew_poll(&crew, &help), "it runs");
        crew_finish(&crew, &help);
        cr_assert(crew_wait(&crew, &help));
        cr_assert(crew_poll(&crew, &help), "taken back");
        cr_assert(!crew_offer(&crew, &help), "nobody rests any more");
}

Test(crew, taken_back_before_it_began) {
        Help help = { 0 };

        crew_rest(&crew, 0);
        cr_assert(crew_offer(&crew, &help));
        cr_assert(!crew_wait(&crew, &help));
        cr_assert_null(crew_rise(&crew, 0));
}

Test(crew, one_piece_each) {
        Help first = { 0 }, second = { 0 }, third = { 0 };

        crew_rest(&crew, 0);
        crew_rest(&crew, 1);
        cr_assert(crew_offer(&crew, &first));
        cr_assert(crew_offer(&crew, &second));
        cr_assert(!crew_offer(&crew, &third));
        cr_assert_eq(crew_rise(&crew, 0), &first);
        cr_assert_eq(crew_rise(&crew, 1), &second);
        crew_finish(&crew, &second);
        cr_assert(!crew_poll(&crew, &first));
        cr_assert(crew_poll(&crew, &second));
        crew_finish(&crew, &first);
        cr_assert(crew_wait(&crew, &first));
}
