/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
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
        return authorize(userdata, m, ACTION_PAUSE, 0, pause_authorized, error);
}

static int resume_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        int r = b->backend.resume(b->backend.userdata);

        if (r < 0)
                return backend_error(r, error);
        report_bus_changed(b);
        return sd_bus_reply_method_return(m, NULL);
}

int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authorize(userdata, m, ACTION_PAUSE, 0, resume_authorized, error);
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
        return authorize(b, m, ACTION_RELOAD, 0, reload_authorized, error);
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

/* The process whose job it is; 0 when there is no such job. */
static pid_t pid_of_job(ReportBus *b, uint64_t job) {
        cleanup_free Outcome *jobs = calloc(BUS_JOBS_MAX, sizeof *jobs);
        size_t n = jobs && b->backend.jobs
                           ? b->backend.jobs(b->backend.userdata, jobs, BUS_JOBS_MAX)
                           : 0;

        for (size_t i = 0; i < n; i++)
                if (jobs[i].job == job)
                        return jobs[i].move.id.pid;
        return 0;
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
        return authorize(b, m, ACTION_MIGRATE, pid_of_job(b, job), cancel_authorized, error);
}

/* Migrate: the only flag there is. */
#define MIGRATE_OVERRIDE_RULES UINT64_C(1)

/* -1, or the number of a node of this machine. */
static bool is_node(const Topology *t, int32_t id) {
        return id == -1 || (id >= 0 && topology_index_of_id(t, id) >= 0);
}

static int read_request(ReportBus *b, sd_bus_message *m, MoveRequest *ret, sd_bus_error *error) {
        const Topology *t = b->backend.topology(b->backend.userdata);
        uint64_t starttime, flags;
        int32_t from, to;
        uint32_t pid;
        int r;

        if ((r = sd_bus_message_read(m, "utiit", &pid, &starttime, &from, &to, &flags)) < 0)
                return r;
        if (pid == 0 || pid > INT_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%u is no process id",
                                         pid);
        if (flags & ~MIGRATE_OVERRIDE_RULES)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Unknown flags");
        if (!is_node(t, from) || !is_node(t, to))
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_NODE, "There is no node %d",
                                         is_node(t, from) ? to : from);
        if (from >= 0 && from == to)
                return sd_bus_error_set(error, BUS_ERROR_INVALID_NODE,
                                        "There is nothing to move between these nodes");
        *ret = (MoveRequest) {
                .pid = (pid_t)pid,
                .starttime = starttime,
                .from_id = from,
                .to_id = to,
                .override_rules = flags & MIGRATE_OVERRIDE_RULES,
        };
        return 0;
}

/* What is wrong with nodes that exist. */
static int node_error(const Topology *t, const MoveRequest *request, sd_bus_error *error) {
        for (int i = 0; i < 2; i++) {
                int id = i == 0 ? request->to_id : request->from_id;
                int index = id < 0 ? NODE_NONE : topology_index_of_id(t, id);

                if (index < 0)
                        continue;
                if (!node_mask_has(topology_memory_mask(t), index))
                        return sd_bus_error_setf(error, BUS_ERROR_INVALID_NODE,
                                                 "Node %d has no memory", id);
                if (!node_mask_has(topology_cpu_mask(t), index))
                        return sd_bus_error_setf(error, BUS_ERROR_INVALID_NODE,
                                                 "Node %d has no CPUs, and never.cpuless is set",
                                                 id);
        }
        return sd_bus_error_set(error, BUS_ERROR_INVALID_NODE,
                                "The process may not use this node, or it is not known where the "
                                "process runs");
}

/* Why a move was not taken on. */
static int migrate_error(int r, const Topology *t, const MoveRequest *request, Reason reason,
                         sd_bus_error *error) {
        switch (r) {
        case -ESRCH:
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_PROCESS, "There is no process %d",
                                         (int)request->pid);
        case -EPERM:
                return sd_bus_error_setf(
                        error, BUS_ERROR_NOT_ALLOWED, "Process %d is not moved, because it %s (%s)",
                        (int)request->pid, reason_sentence(reason), reason_to_string(reason));
        case -EINVAL:
                return node_error(t, request, error);
        case -EBUSY:
                return sd_bus_error_set(error, BUS_ERROR_BUSY,
                                        "A move of this process is under way");
        case -ECANCELED:
                return sd_bus_error_set(error, BUS_ERROR_PAUSED, "The daemon is paused");
        default:
                return backend_error(r == -ENOBUFS ? -EBUSY : r, error);
        }
}

static int migrate_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        Reason reason = REASON_NONE;
        MoveRequest request;
        uint64_t job;
        int r;

        if ((r = read_request(b, m, &request, error)) < 0)
                return r;
        r = b->backend.migrate(b->backend.userdata, &request, &job, &reason);
        if (r < 0)
                return migrate_error(r, b->backend.topology(b->backend.userdata), &request, reason,
                                     error);
        return sd_bus_reply_method_return(m, "t", job);
}

int method_migrate(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;
        MoveRequest request;
        int r;

        if (!b->backend.migrate)
                return not_supported(error);
        if ((r = read_request(b, m, &request, error)) < 0)
                return r;
        return authorize(b, m, ACTION_MIGRATE, request.pid, migrate_authorized, error);
}

/* A day of evaluations is more than anybody looks through. */
#define RECORD_SECONDS_MAX 86400

static int record_authorized(ReportBus *b, sd_bus_message *m, sd_bus_error *error) {
        uint32_t seconds;
        int r, fd;

        if ((r = sd_bus_message_read(m, "hu", &fd, &seconds)) < 0)
                return r;
        r = b->backend.record(b->backend.userdata, fd, seconds);
        switch (r) {
        case -EBADF:
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "Recordings go into regular files open for writing");
        case -EBUSY:
                return sd_bus_error_set(error, BUS_ERROR_BUSY, "A recording is under way");
        case -ENODATA:
                return sd_bus_error_set(error, BUS_ERROR_NOT_ALLOWED,
                                        "The daemon evaluates nothing that could be recorded");
        default:
                return r < 0 ? backend_error(r, error) : sd_bus_reply_method_return(m, NULL);
        }
}

int method_record(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ReportBus *b = userdata;
        uint32_t seconds;
        int r, fd;

        if (!b->backend.record)
                return not_supported(error);
        if ((r = sd_bus_message_read(m, "hu", &fd, &seconds)) < 0)
                return r;
        if (seconds == 0 || seconds > RECORD_SECONDS_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "A recording takes 1 to %d seconds", RECORD_SECONDS_MAX);
        return authorize(b, m, ACTION_RELOAD, 0, record_authorized, error);
}
