/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <syslog.h>

#include "manager/internal.h"
#include "report/journal.h"

void manager_set_rules(Manager *m, Rules *rules) {
        uint32_t cursor = 0;
        Tracked *p;

        rules_free(m->rules);
        m->rules = rules;
        /* Names may have changed as well; look them up again when a rule asks. */
        m->users = users_free(m->users);
        if ((rules_keys(rules) & 1u << RULE_KEY_USER) && users_new(&m->users) < 0)
                journal_log(LOG_WARNING, "There is no memory for user names; rules with \"user\" "
                                         "fit nothing.");
        /* All that was read of processes is read, and matched, again. */
        if (m->tracked)
                while ((p = table_next(m->tracked, &cursor, NULL)))
                        p->info_ns = 0;
}

void manager_match_rules(Manager *m, ProcessInfo *info) {
        unsigned keys = rules_keys(m->rules);
        char cgroup[PATH_MAX], exe[PATH_MAX];
        const char *value[RULE_KEY_MAX] = {
                [RULE_KEY_UNIT] = info->unit,
                [RULE_KEY_COMM] = info->comm,
        };

        info->rule_mode = RULE_DEFAULT;
        info->rule = 0;
        info->bandwidth_bytes = 0;
        if (keys == 0 || info->kernel_thread)
                return;
        if ((keys & 1u << RULE_KEY_CGROUP) &&
            process_read_cgroup(&m->root, info->id.pid, cgroup, sizeof(cgroup)) >= 0)
                value[RULE_KEY_CGROUP] = cgroup;
        if ((keys & 1u << RULE_KEY_EXE) &&
            process_read_exe(&m->root, info->id.pid, exe, sizeof(exe)) >= 0)
                value[RULE_KEY_EXE] = exe;
        if (m->users)
                value[RULE_KEY_USER] = users_name(m->users, info->uid);
        info->rule = rules_match(m->rules, value);
        if (info->rule == 0)
                return;
        info->rule_mode = m->rules->rule[info->rule - 1].mode;
        info->bandwidth_bytes = m->rules->rule[info->rule - 1].bandwidth_bytes;
        /* --observe is stronger than any rule. */
        if (m->options.observe_only && info->rule_mode == RULE_ACT)
                info->rule_mode = RULE_OBSERVE;
}
