/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager/manager.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "base/clock.h"
#include "system/topology_read.h"

static Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        sd_event_source_unref(m->tick_source);
        sd_event_source_unref(m->observer_source);
        sd_event_source_unref(m->mover_source);
        sd_event_source_disable_unref(m->pause_source);
        report_bus_free(m->bus);
        mover_free(m->mover);
        observer_free(m->observer);
        migrations_close(m->migrations);
        mover_scan_done(&m->mover_scan);
        decide_state_free(m->decide_state);
        sd_event_unref(m->event);
        tracked_free(m->tracked);
        rules_free(m->rules);
        users_free(m->users);
        plan_done(&m->plan);
        free(m->views);
        free(m->regions);
        for (size_t i = 0; i < KEPT_RANGES_MAX; i++)
                free(m->kept_ranges[i].ranges);
        free(m->last_reload_error);
        manager_record_stop(m);
        free(m->status_sent);
        system_root_close(&m->root);
        if (m->lock_fd >= 0)
                close(m->lock_fd);
        free(m);
        return NULL;
}
DEFINE_CLEANUP(Manager, manager_free)

static int manager_new(Manager **ret, const ManagerOptions *options) {
        cleanup(cleanup_manager_freep) Manager *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->options = *options;
        m->root = (SystemRoot) { -1, -1 };
        m->lock_fd = -1;
        m->state = STATE_STARTING;
        m->start_realtime_usec = clock_realtime_ns() / NSEC_PER_USEC;
        m->start_monotonic_usec = clock_monotonic_ns() / NSEC_PER_USEC;
        *ret = TAKE_PTR(m);
        return 0;
}

/* One daemon per machine. */
static int take_lock(Manager *m) {
        pid_t other = 0;
        int r;

        r = manager_take_lock(&m->lock_fd, &other);
        if (r == -EBUSY)
                journal_log(LOG_ERR, "Another numabalancerd (pid %d) is running; this one exits.",
                            (int)other);
        else if (r < 0)
                journal_log(LOG_ERR, "The lock in /run/numabalancerd cannot be taken: %s",
                            strerror(-r));
        return r;
}

static int read_machine(Manager *m) {
        int r;

        r = system_root_open(&m->root, "");
        if (r >= 0)
                r = topology_read(&m->topology, &m->root);
        if (r < 0)
                journal_log(LOG_ERR, "The NUMA topology cannot be read: %s", strerror(-r));
        return r;
}

static int make_rooms(Manager *m) {
        ReportBackend backend;
        int r;

        m->regions = calloc(REGIONS_MAX, sizeof(*m->regions));
        r = m->regions ? table_new(&m->tracked, PROCESSES_MAX, sizeof(Tracked)) : -ENOMEM;
        if (r >= 0)
                r = observer_new(&m->observer, &m->topology, &m->root);
        if (r >= 0)
                r = decide_state_new(&m->decide_state, &m->topology);
        manager_backend(m, &backend);
        if (r >= 0)
                r = report_bus_new(&m->bus, m->event, &backend, NULL);
        if (r < 0)
                journal_log(LOG_ERR, "The daemon cannot be set up: %s", strerror(-r));
        return r;
}

static int on_observer(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *m = userdata;
        int r;

        r = observer_dispatch(m->observer);
        if (r < 0)
                journal_log(LOG_WARNING, "Samples could not be read, trying again: %s",
                            strerror(-r));
        return 0;
}

/* Starts sampling and gives up what only the start needs. Returns an exit status. */
static int start_sampling(Manager *m) {
        int r;

        if (topology_is_flat(&m->topology))
                return EXIT_STATUS_GOOD;
        r = observer_start(m->observer, &m->settings);
        if (r == -EPERM || r == -EACCES) {
                journal_log(LOG_ERR, "A privilege is missing: %s", observer_describe(m->observer));
                return EXIT_STATUS_PRIVILEGE;
        }
        if (r < 0) {
                journal_log(LOG_ERR, "No source of evidence works here, staying idle: %s",
                            observer_describe(m->observer));
                return EXIT_STATUS_GOOD;
        }
        m->source_told = observer_source(m->observer);
        r = sd_event_add_io(m->event, &m->observer_source, observer_get_fd(m->observer), EPOLLIN,
                            on_observer, m);
        if (r < 0) {
                journal_log(LOG_ERR, "Samples cannot be watched: %s", strerror(-r));
                return EXIT_STATUS_FAILED;
        }
        (void)sd_event_source_set_description(m->observer_source, "samples");
        return EXIT_STATUS_GOOD;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        manager_reload(userdata);
        return 0;
}

static int start_loop(Manager *m) {
        int r;

        r = sd_event_add_signal(m->event, NULL, SIGHUP, on_hangup, m);
        if (r >= 0)
                r = manager_start_jobs(m);
        if (r >= 0)
                r = manager_start_tick(m);
        if (r < 0)
                journal_log(LOG_ERR, "The event loop cannot be set up: %s", strerror(-r));
        return r;
}

/* Blocks the signals that the loop handles before any thread exists, so every thread inherits it. */
static int make_loop(Manager *m) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        (void)signal(SIGPIPE, SIG_IGN);
        r = sd_event_default(&m->event);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGINT, NULL, NULL);
        if (r < 0)
                journal_log(LOG_ERR, "The event loop cannot be set up: %s", strerror(-r));
        return r;
}

static int start(Manager *m) {
        cleanup_free char *message = NULL;
        Rules *rules = NULL;
        int r;

        r = manager_load_settings(m, &m->settings, &rules, &message);
        if (r < 0) {
                journal_log(LOG_ERR, "The configuration is refused: %s", message ?: strerror(-r));
                return EXIT_STATUS_CONFIG;
        }
        manager_set_rules(m, rules);
        if (take_lock(m) < 0 || read_machine(m) < 0)
                return EXIT_STATUS_FAILED;
        r = manager_check_machine(m, &m->settings, &message);
        if (r < 0) {
                journal_log(LOG_ERR, "The configuration is refused: %s", message ?: strerror(-r));
                return EXIT_STATUS_CONFIG;
        }
        if (make_loop(m) < 0 || make_rooms(m) < 0)
                return EXIT_STATUS_FAILED;
        r = start_sampling(m);
        if (r != EXIT_STATUS_GOOD)
                return r;
        if (observer_source(m->observer) != SOURCE_NONE)
                manager_open_migrations(m);
        r = manager_drop_privileges();
        if (r < 0)
                journal_log(LOG_WARNING, "CAP_SYS_ADMIN could not be dropped, ignoring: %s",
                            strerror(-r));
        /* A thread keeps the capabilities that it began with: the engine's begins after the drop. */
        r = mover_new(&m->mover, &m->topology, &m->root, &m->settings, NULL);
        if (r < 0) {
                journal_log(LOG_ERR, "The engine cannot be set up: %s", strerror(-r));
                return EXIT_STATUS_FAILED;
        }
        return start_loop(m) < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_GOOD;
}

static void tell(Manager *m, void (*function)(const StatusView *)) {
        StatusView view;

        manager_status(m, &view);
        function(&view);
}

/* The doctor looks at each start, so the journal has what `numabalancerctl doctor` would tell. Other
 * movers are told by the ticks, where there are any. */
static void tell_findings(Manager *m) {
        Finding findings[FINDINGS_MAX];
        size_t n;

        if (m->topology.n_nodes == 0)
                return; /* the machine could not be read */
        n = manager_findings(m, findings, FINDINGS_MAX);
        for (size_t i = 0; i < n; i++)
                if (findings[i].state == FINDING_MISSING ||
                    (strcmp(findings[i].id, "other-movers") == 0 && !m->tick_source))
                        journal_finding(&findings[i]);
}

/* Whoever waited for the start finds the daemon on the bus, unless that has not answered by then. */
#define BUS_WAIT_NS (2ull * NSEC_PER_SEC)

static void tell_ready(Manager *m) {
        (void)sd_notify(false, "READY=1");
        /* Not before: loading the BPF programs takes most of a minute on a busy emulated machine, and the
         * first sign of life starts systemd's clock. */
        (void)sd_event_set_watchdog(m->event, true);
}

static bool bus_is_settled(const Manager *m) {
        BusState state = report_bus_state(m->bus);

        return state == BUS_STATE_SERVING || state == BUS_STATE_NAMELESS;
}

static int run_loop(Manager *m) {
        uint64_t ready_by_ns = clock_monotonic_ns() + BUS_WAIT_NS, now_ns;
        bool ready = false;
        int r;

        while (sd_event_get_state(m->event) != SD_EVENT_FINISHED) {
                now_ns = clock_monotonic_ns();
                if (!ready && (bus_is_settled(m) || now_ns >= ready_by_ns)) {
                        tell_ready(m);
                        ready = true;
                }
                r = sd_event_run(m->event,
                                 ready ? UINT64_MAX : (ready_by_ns - now_ns) / NSEC_PER_USEC + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int manager_run(const ManagerOptions *options) {
        cleanup(cleanup_manager_freep) Manager *m = NULL;
        int r;

        r = manager_new(&m, options);
        if (r < 0)
                return EXIT_STATUS_FAILED;
        r = start(m);
        tell_findings(m);
        if (r != EXIT_STATUS_GOOD)
                return r;

        manager_update_state(m);
        tell(m, journal_started);
        r = run_loop(m);

        m->state = STATE_STOPPING;
        m->state_reason = REASON_STOPPING;
        (void)sd_notify(false, "STOPPING=1\nSTATUS=Stopping.");
        manager_finish_jobs(m);
        manager_flush_outcomes(m);
        tell(m, journal_stopping);
        if (r < 0) {
                journal_log(LOG_ERR, "The event loop failed: %s", strerror(-r));
                return EXIT_STATUS_FAILED;
        }
        return EXIT_STATUS_GOOD;
}
