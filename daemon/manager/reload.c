/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "base/clock.h"

int manager_check_machine(const Manager *m, const Settings *settings, char **ret_message) {
        if (settings->n_distances == 0 || settings->n_distances == m->topology.n_nodes)
                return 0;
        if (asprintf(ret_message, "distances: a table of %u rows for a machine of %u nodes",
                     settings->n_distances, m->topology.n_nodes) < 0)
                *ret_message = NULL;
        return -EBADMSG;
}

int manager_load_settings(Manager *m, Settings *ret, Rules **ret_rules, char **ret_message) {
        const char *path = m->options.config_path ?: CONFIG_PATH;
        Settings settings;
        bool missing = false;
        int r;

        r = config_load(path, m->options.config_path != NULL, &settings, ret_rules, &missing,
                        ret_message);
        if (r < 0)
                return r;
        if (missing)
                journal_log(LOG_INFO, "There is no %s; the defaults apply.", path);
        if (m->options.observe_only)
                settings.mode = MODE_OBSERVE;
        *ret = settings;
        return 0;
}

void manager_reload(Manager *m) {
        cleanup_free char *message = NULL;
        Settings settings;
        Rules *rules = NULL;
        int r;

        (void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
                         (unsigned long long)(clock_monotonic_ns() / NSEC_PER_USEC));
        r = manager_load_settings(m, &settings, &rules, &message);
        if (r >= 0) {
                r = manager_check_machine(m, &settings, &message);
                if (r < 0)
                        rules_free(rules);
        }
        free(m->last_reload_error);
        m->last_reload_error = NULL;
        if (r < 0) {
                m->counters.reload_errors++;
                journal_reload_refused(message ?: strerror(-r));
                m->last_reload_error = TAKE_PTR(message);
                if (!m->last_reload_error)
                        m->last_reload_error = strdup(strerror(-r));
        } else {
                KernelBalancing balancing = m->settings.kernel_balancing;
                bool restart_source = settings.source != m->settings.source ||
                                      settings.isolated != m->settings.isolated;

                if (observer_source(m->observer) != SOURCE_NONE)
                        (void)observer_configure(m->observer, &settings);
                manager_record_stop(m); /* its header tells the settings that were */
                m->settings = settings;
                manager_set_rules(m, rules);
                mover_set_settings(m->mover, &settings);
                m->counters.reloads++;
                journal_reloaded();
                manager_kernel_reloaded(m, balancing, clock_monotonic_ns());
                if (restart_source)
                        journal_log(LOG_NOTICE,
                                    "A changed sampling.source or sampling.isolated takes effect "
                                    "after a restart.");
        }
        (void)sd_notify(false, "READY=1");
        manager_update_state(m);
}
