/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/view.h"

#include <errno.h>
#include <string.h>

static const char *const state_names[DAEMON_STATE_MAX] = {
        [STATE_STARTING] = "starting",
        [STATE_RUNNING] = "running",
        [STATE_PAUSED] = "paused",
        [STATE_IDLE] = "idle",
        [STATE_STOPPED] = "stopped-ping-pong",
        [STATE_STOPPING] = "stopping",
};

static const char *const order_names[PROCESS_ORDER_MAX] = {
        [ORDER_SCORE] = "score",
        [ORDER_REMOTE] = "remote",
        [ORDER_PID] = "pid",
};

const char *daemon_state_to_string(DaemonState state) {
        return (unsigned)state < DAEMON_STATE_MAX ? state_names[state] : "unknown";
}

const char *process_order_to_string(ProcessOrder order) {
        return (unsigned)order < PROCESS_ORDER_MAX ? order_names[order] : "unknown";
}

int process_order_from_string(const char *s) {
        for (int i = 0; i < PROCESS_ORDER_MAX; i++)
                if (strcmp(s, order_names[i]) == 0)
                        return i;
        return -EINVAL;
}
