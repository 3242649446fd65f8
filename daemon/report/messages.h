/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <syslog.h>

/* Every kind of journal record: the one home of its MESSAGE_ID, priority and limit. Each has an
 * entry in conf/numabalancerd.catalog and in numabalancerd(8).
 *
 * MESSAGE(KIND, "name", "MESSAGE_ID", priority, burst, interval)
 *   burst, interval: at most `burst` records of this kind about the same subject (process, node)
 *   in `interval` seconds; further ones are counted and the count is told by the next that passes;
 *   burst 0: no limit */
#define MESSAGE_TABLE(MESSAGE)                                                                     \
        MESSAGE(STARTED, "started", "1ddbc7bb6b464c7590db0fcc6ec3d38d", LOG_INFO, 0, 0)            \
        MESSAGE(STOPPING, "stopping", "728fd03d86124870ae3b72fd50677dda", LOG_INFO, 0, 0)          \
        MESSAGE(STATE_CHANGED, "state-changed", "398ff3e637e549cfbe4913c53142837d", LOG_NOTICE,    \
                10, 60)                                                                            \
        MESSAGE(SOURCE_CHANGED, "source-changed", "20ec45dfa4e3403e978dc2fe7230ab44", LOG_NOTICE,  \
                10, 60)                                                                            \
        MESSAGE(MIGRATION_FINISHED, "migration-finished", "96f1140983f94daf953aba79ae1e4d37",      \
                LOG_INFO, 10, 60)                                                                  \
        MESSAGE(MIGRATION_PARTLY, "migration-partly", "805705e12ab04fb18854130bc86dea7f",          \
                LOG_NOTICE, 10, 60)                                                                \
        MESSAGE(MIGRATION_FAILED, "migration-failed", "7588bb427e7641b2ab338e2991775a55",          \
                LOG_WARNING, 10, 60)                                                               \
        MESSAGE(MIGRATION_DROPPED, "migration-dropped", "2f27d86a0fed4863b20b068ac3412344",        \
                LOG_INFO, 10, 60)                                                                  \
        MESSAGE(WOULD_MIGRATE, "would-migrate", "a7c2f38a4a324ca9a6c550fa0d19f9b2", LOG_INFO, 1,   \
                600)                                                                               \
        MESSAGE(JOB_RETRIED, "job-retried", "ced8d6f5bcf747b4912ee9190b91da56", LOG_INFO, 3, 600)  \
        MESSAGE(LEFT_ALONE, "left-alone", "423fcb88f2684cadaa4415a1f59a9cc9", LOG_NOTICE, 1, 600)  \
        MESSAGE(NO_HELP, "no-help", "f06648fbfb6b4164aaf9762a59009fab", LOG_NOTICE, 3, 600)        \
        MESSAGE(PING_PONG_STOP, "ping-pong-stop", "de75153bed4a401a82fb949b3a657e85", LOG_WARNING, \
                10, 60)                                                                            \
        MESSAGE(OTHER_MOVER, "other-mover", "a0e4a72cb8924b1b9606028ba4a089e3", LOG_WARNING, 1,    \
                3600)                                                                              \
        MESSAGE(OTHER_MOVER_GONE, "other-mover-gone", "4180e4a7af68447b83a0adce438f41a8",          \
                LOG_NOTICE, 1, 3600)                                                               \
        MESSAGE(REQUIREMENT, "requirement", "8ab2a25fdbc748d0889c7c680e255ce0", LOG_WARNING, 1,    \
                60)                                                                                \
        MESSAGE(NODE_FULL, "node-full", "a945245a200946128078c84ff2f5c767", LOG_WARNING, 1, 300)   \
        MESSAGE(RELOADED, "reloaded", "811fbb26653a474097dd69f1b2f91907", LOG_NOTICE, 10, 60)      \
        MESSAGE(RELOAD_REFUSED, "reload-refused", "bb05d59f7a6b45b9a808b4504ac13f44", LOG_ERR, 10, \
                60)

typedef enum MessageKind {
#define MESSAGE_ENUM(kind, name, id, priority, burst, interval) MESSAGE_##kind,
        MESSAGE_TABLE(MESSAGE_ENUM)
#undef MESSAGE_ENUM
                MESSAGE_MAX,
} MessageKind;

typedef struct MessageInfo {
        const char *name;
        const char *id;
        int priority;
        unsigned burst;
        unsigned interval_sec;
} MessageInfo;

/* Properties of a kind; NULL for values out of range. */
const MessageInfo *message_info(MessageKind kind);
