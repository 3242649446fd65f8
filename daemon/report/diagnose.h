/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "model/finding.h"
#include "report/bus.h"

/* Whether the daemon is heard: the journal that takes its records, and the bus on which it is asked.
 * bus: the connection of the running daemon; NULL when there is none, then the system bus is tried,
 * which may take a while. Fills up to max findings, always in the same order, and returns how many. */
size_t report_diagnose(const ReportBus *bus, Finding *ret, size_t max);
