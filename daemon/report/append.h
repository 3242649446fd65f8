/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "report/fields.h"

/* A writer of fields as pairs {sv} into an open dictionary of a message: text escaped, NaN and infinity
 * as 0, for JSON knows neither. */
FieldWriter append_writer(sd_bus_message *m);
