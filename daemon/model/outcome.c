/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/outcome.h"

#include <errno.h>

static const char *const failure_names[FAILURE_MAX] = {
#define FAILURE_NAME(name, text) [FAILURE_##name] = text,
        FAILURE_TABLE(FAILURE_NAME)
#undef FAILURE_NAME
};

static const char *const job_state_names[JOB_STATE_MAX] = {
        [JOB_QUEUED] = "queued",
        [JOB_RUNNING] = "running",
        [JOB_WAITING] = "waiting",
        [JOB_FINISHED] = "finished",
};

static const char *const limit_names[LIMIT_MAX] = {
#define LIMIT_NAME(name, text) [LIMIT_##name] = text,
        LIMIT_TABLE(LIMIT_NAME)
#undef LIMIT_NAME
};

const char *limit_to_string(Limit limit) {
        return limit_names[(unsigned)limit < LIMIT_MAX ? limit : LIMIT_NONE];
}

const char *failure_to_string(Failure failure) {
        return failure_names[(unsigned)failure < FAILURE_MAX ? failure : FAILURE_OTHER];
}

Failure failure_from_errno(int error) {
        switch (error) {
        case EBUSY:
                return FAILURE_BUSY;
        case EAGAIN:
                return FAILURE_AGAIN;
        case ENOMEM:
                return FAILURE_NOMEM;
        case EACCES:
                return FAILURE_ACCES;
        case ENOENT:
                return FAILURE_NOENT;
        case EFAULT:
                return FAILURE_FAULT;
        case EIO:
                return FAILURE_IO;
        case EINVAL:
                return FAILURE_INVAL;
        case ENODEV:
                return FAILURE_NODEV;
        case ESRCH:
                return FAILURE_SRCH;
        case EPERM:
                return FAILURE_PERM;
        default:
                return FAILURE_OTHER;
        }
}

const char *job_state_to_string(JobState state) {
        return (unsigned)state < JOB_STATE_MAX ? job_state_names[state] : "unknown";
}

int outcome_errno(const Outcome *o) {
        static const int numbers[FAILURE_MAX] = {
                [FAILURE_BUSY] = EBUSY,   [FAILURE_AGAIN] = EAGAIN, [FAILURE_NOMEM] = ENOMEM,
                [FAILURE_ACCES] = EACCES, [FAILURE_NOENT] = ENOENT, [FAILURE_FAULT] = EFAULT,
                [FAILURE_IO] = EIO,       [FAILURE_INVAL] = EINVAL, [FAILURE_NODEV] = ENODEV,
                [FAILURE_SRCH] = ESRCH,   [FAILURE_PERM] = EPERM,
        };
        uint64_t most = 0;
        int error = 0;

        if (o->error < 0)
                return -o->error;
        /* Pages that went away by themselves are no failure. */
        if (o->pages_failed == 0 && o->pages_retry == 0)
                return 0;
        for (int i = 0; i < FAILURE_MAX; i++)
                if (numbers[i] && o->failures[i] > most) {
                        most = o->failures[i];
                        error = numbers[i];
                }
        return error;
}

bool outcome_is_complete(const Outcome *o) {
        return o->reason == REASON_DONE || o->reason == REASON_NOTHING_TO_DO;
}
