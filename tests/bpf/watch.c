/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "system/topology_read.h"

void watch_start(Watch *w, uint32_t rate_hz, ObserverSampleHook hook, void *userdata) {
        Settings settings;
        int r;

        cr_assert_eq(system_root_open(&w->root, ""), 0);
        cr_assert_geq(topology_read(&w->topology, &w->root), 0);
        cr_assert_eq(observer_new(&w->observer, &w->topology, &w->root), 0);
        settings_init(&settings);
        settings.source = SOURCE_CLOCK;
        settings.rate_hz = rate_hz;
        settings.cpu_max_percent = 100;
        observer_set_sample_hook(w->observer, hook, userdata);
        r = observer_start(w->observer, &settings);
        if (r == -EPERM || r == -EACCES || r == -ENOSYS)
                cr_skip_test("cannot sample: %s", observer_describe(w->observer));
        cr_assert_eq(r, 0, "%s", observer_describe(w->observer));
}

void watch_stop(Watch *w) {
        observer_free(w->observer);
        system_root_close(&w->root);
}

const Observed *watch_process(Watch *w, pid_t pid, unsigned intervals) {
        struct timespec pause = { .tv_nsec = 100000000 };
        const Observed *const *all;
        size_t n;

        for (unsigned i = 0; i < intervals; i++) {
                nanosleep(&pause, NULL);
                cr_assert_eq(observer_collect(w->observer, clock_monotonic_ns()), 0);
        }
        all = observer_processes(w->observer, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i]->id.pid == pid)
                        return all[i];
        return NULL;
}

Counters watch_counters(const Watch *w) {
        Counters c = {};

        observer_count(w->observer, &c);
        return c;
}

void watch_kill(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}
