/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Notices that memory is moved to and fro, and stops the moves: stopped for a while, then one move
 * at a time on trial, then free again. Zeroed is free. */
typedef struct PingPong {
        double moved_bytes;        /* lately, decaying */
        double returned_bytes;     /* of these, back to where they had left a short while ago */
        uint64_t updated_ns;       /* time to which the counts are decayed */
        uint64_t stopped_until_ns; /* 0: never stopped since it was free */
        uint32_t stops;            /* in a row */
        uint64_t total;            /* stops since the start */
} PingPong;

/* A job moved so many bytes, some of them back. */
void ping_pong_count(PingPong *p, uint64_t bytes, bool returned, uint64_t now_ns);

/* Until when nothing may be moved, 0 when moves are allowed. */
uint64_t ping_pong_stopped_until(const PingPong *p, uint64_t now_ns);

/* Moves that may be under way at once: 0 while stopped. */
uint32_t ping_pong_jobs(const PingPong *p, uint64_t now_ns);
