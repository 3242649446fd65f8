/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

/* polkit asks for a password through an agent. A desktop has one; on a terminal pkttyagent(1) does it
 * while this program runs, where it is installed. */

/* Starts pkttyagent and waits until it is ready. Returns its pid, or 0 when there is none or none is
 * needed: root is not asked, and without a terminal nobody could answer. */
pid_t agent_start(void);

/* Ends it; 0 is ignored. */
void agent_stop(const pid_t *pid);
