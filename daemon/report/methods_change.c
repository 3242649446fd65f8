/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>

#include "base/escape.h"

/* Methods that change something: arguments first, then who asks, then the change. */

/* A refusal of the manager as an error with a name. */
static int backend_error(int r, sd_bus_error *error) {
        switch (r) {
        case -EPERM:
        case -EACCES:
                return sd_bus_error_set(error, BUS_ERROR_NOT_ALLOWED,
                                        "The configuration does not allow this");
        case -EBUSY:
                return sd_bus_error_set(error, BUS_ERROR_BUSY, "The daemon is busy; try again");
        default:
                return r;
        }
}

static int not_supported(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_NOT_SUPPORTED, "This daemon cannot do that");
}

static int pause_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        uint64_t usec;
        int r;

        if ((r = sd_bus_message_read(m, "t", &usec)) < 0)
                return r;
        if ((r = b->backend.pause(b->backend.userdata, usec)) < 0)
                return backend_error(r, error);
        report_bus_changed(b);
        return sd_bus_reply_method_return(m, NULL);
}

int method_pause(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint64_t usec;
        int r;

        if ((r = sd_bus_message_read(m, "t", &usec)) < 0)
                return r;
        /* 0 means "until resumed"; a century is a mistake in the unit. */
        if (usec > UINT64_C(100) * 365 * 86400 * 1000000)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "A pause lasts at most 100 years; 0 means until Resume");
        return authorize(userdata, m, ACTION_PAUSE, pause_authorized, error);
}

static int resume_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        int r = b->backend.resume(b->backend.userdata);

        if (r < 0)
                return backend_error(r, error);
        report_bus_changed(b);
        return sd_bus_reply_method_return(m, NULL);
}

int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authorize(userdata, m, ACTION_PAUSE, resume_authorized, error);
}

static int reload_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        int r = b->backend.reload(b->backend.userdata);

        if (r == -EBADMSG) {
                char text[ESCAPE_BYTES(1024)];
                StatusView s = { 0 };

                b->backend.status(b->backend.userdata, &s);
                escape_string(text, sizeof text, s.last_reload_error ?: "");
                return sd_bus_error_setf(error, BUS_ERROR_CONFIG_INVALID, "%s",
                                         *text ? text : "The configuration is wrong");
        }
        if (r < 0)
                return backend_error(r, error);
        report_bus_changed(b);
        return sd_bus_reply_method_return(m, NULL);
}

int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;

        if (!b->backend.reload)
                return not_supported(error);
        return authorize(b, m, ACTION_RELOAD, reload_authorized, error);
}

static int cancel_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        uint64_t job;
        int r;

        if ((r = sd_bus_message_read(m, "t", &job)) < 0)
                return r;
        r = b->backend.cancel(b->backend.userdata, job);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_JOB,
                                         "There is no unfinished job %llu",
                                         (unsigned long long)job);
        return r < 0 ? backend_error(r, error) : sd_bus_reply_method_return(m, NULL);
}

int method_cancel_job(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;
        uint64_t job;
        int r;

        if (!b->backend.cancel)
                return not_supported(error);
        if ((r = sd_bus_message_read(m, "t", &job)) < 0)
                return r;
        if (job == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Jobs count from 1");
        return authorize(b, m, ACTION_MIGRATE, cancel_authorized, error);
}
