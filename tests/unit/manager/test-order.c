/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manager/internal.h"
#include "system/topology_read.h"

/* What is refused before any page is touched, on the machine that the test runs on. */
static Manager manager;
static pid_t child;

static void begin(void) {
        cr_assert_eq(system_root_open(&manager.root, ""), 0);
        cr_assert_eq(topology_read(&manager.topology, &manager.root), 0);
        settings_init(&manager.settings);
        manager.rules = rules_new();
        cr_assert_not_null(manager.rules);
        cr_assert_eq(observer_new(&manager.observer, &manager.topology, &manager.root), 0);
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test crashes */
                pause();
                _exit(0);
        }
}

static void end(void) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        observer_free(manager.observer);
        rules_free(manager.rules);
        users_free(manager.users);
        system_root_close(&manager.root);
}

TestSuite(manager_order, .init = begin, .fini = end);

static int order(MoveRequest request, Reason *ret_reason) {
        uint64_t job = 0;

        *ret_reason = REASON_NONE;
        return manager_order(&manager, &request, &job, ret_reason);
}

Test(manager_order, refuses_what_is_not_there) {
        Reason reason;

        cr_assert_eq(order((MoveRequest) { .pid = INT32_MAX, .to_id = 0 }, &reason), -ESRCH);
        cr_assert_eq(order((MoveRequest) { .pid = child, .starttime = 1, .to_id = 0 }, &reason),
                     -ESRCH, "another process had this pid");
        manager.paused = true;
        cr_assert_eq(order((MoveRequest) { .pid = child, .to_id = 0 }, &reason), -ECANCELED);
}

Test(manager_order, refuses_what_is_never_touched) {
        Reason reason;

        cr_assert_eq(order((MoveRequest) { .pid = getpid(), .to_id = 0 }, &reason), -EPERM);
        cr_assert_eq(reason, REASON_SELF, "%s", reason_to_string(reason));
        cr_assert_eq(order((MoveRequest) { .pid = 1, .to_id = 0 }, &reason), -EPERM);
        cr_assert_eq(reason, REASON_INIT, "%s", reason_to_string(reason));
        /* An observer that was not started cannot read policies, and then nothing is moved. */
        cr_assert_eq(order((MoveRequest) { .pid = child, .to_id = 0 }, &reason), -EPERM);
        cr_assert_eq(reason, REASON_ATTRIBUTES_UNKNOWN, "%s", reason_to_string(reason));
}

Test(manager_order, obeys_the_mode_unless_told_otherwise) {
        Reason reason;

        manager.options.observe_only = true;
        cr_assert_eq(order((MoveRequest) { .pid = child, .override_rules = true }, &reason),
                     -EPERM);
        cr_assert_eq(reason, REASON_OBSERVE_MODE, "--observe: %s", reason_to_string(reason));
        manager.options.observe_only = false;
        manager.settings.mode = MODE_OBSERVE;
        cr_assert_eq(order((MoveRequest) { .pid = child, .to_id = 0 }, &reason), -EPERM);
        cr_assert_eq(reason, REASON_OBSERVE_MODE, "%s", reason_to_string(reason));
        cr_assert_eq(order((MoveRequest) { .pid = child, .override_rules = true }, &reason),
                     -EPERM);
        cr_assert_eq(reason, REASON_ATTRIBUTES_UNKNOWN, "%s", reason_to_string(reason));
}
