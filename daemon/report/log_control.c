/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>

#include "report/sink.h"

/* org.freedesktop.LogControl1, so that `systemctl service-log-level numabalancerd debug` works.
 * Writing needs root: sd-bus checks the sender of properties that are not marked unprivileged. */

static int get_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", sink_level_to_string(sink_get_level()));
}

static int set_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *value, void *userdata, sd_bus_error *error) {
        const char *name;
        int r, level;

        if ((r = sd_bus_message_read(value, "s", &name)) < 0)
                return r;
        level = sink_level_from_string(name);
        if (level < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "The level must be emerg, alert, crit, err, warning, "
                                        "notice, info or debug");
        sink_set_level(level);
        return 0;
}

static int get_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", sink_target_to_string(sink_get_target()));
}

static int set_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *value, void *userdata, sd_bus_error *error) {
        const char *name;
        int r, target;

        if ((r = sd_bus_message_read(value, "s", &name)) < 0)
                return r;
        target = sink_target_from_string(name);
        if (target < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "The target must be auto, journal, console or null");
        sink_set_target((SinkTarget)target);
        return 0;
}

static int get_identifier(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "numabalancerd");
}

const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, 0),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, 0),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};
