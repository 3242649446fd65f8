/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "model/outcome.h"
#include "model/settings.h"
#include "model/snapshot.h"

/* What the policy saw, written down so that it can be asked again elsewhere: a text of lines
 * "keyword key=value ...", numbers in the form that reads back to the same value.
 *
 *   numabalancer-recording 2
 *   topology nodes=N
 *   node index=I id=ID cpu=0|1 memory=0|1 total_bytes=B distances=D,... hmat=NS,...   N lines
 *   distances row=I values=D,...                    N lines, where configured
 *   set KEY=VALUE                                   settings, in the unit of the member
 *   snapshot now_ns=T self=PID other_mover=0|1      one evaluation:
 *   available node=I bytes=B high_watermark_bytes=B blocked_until_ns=T      N lines
 *   process pid=... (the fields of ProcessInfo) busy=0|1
 *   evidence source=... cpu_ns=NS,... access=A:H:SAMPLES:WAITED,...         of the process before
 *   region start=A bytes=B mapping=A since_ns=T home=H other=W unmovable=0|1
 *     access=NODE:WEIGHT:REMOTE:WAITED,... n=N      of the process before, by ascending address;
 *                                                   N regions one after the other, for what is
 *                                                   written by hand
 *   resident bytes=B,...                                                    of the process before
 *   end
 *   ranges of=START-END,...                                   what the next outcome is about
 *   outcome now_ns=T pid=... (the fields of a finished job)   it was learned from
 *   review now_ns=T pid=... remote_after=SHARE                it was compared with its promise,
 *                                                             with an evidence line and end
 *   repeat n=N interval_ns=T      the last evaluation again, for what is written by hand
 *
 * Bytes of texts other than letters, digits and ._@:-/ are \xNN. A missing key is 0. */

/* All return 0 or a negative errno (-EIO: the file cannot take it). Borrow nothing. */
int recording_write_header(FILE *f, const Topology *t, const Settings *settings);
int recording_write_snapshot(FILE *f, const Snapshot *snapshot, uint64_t now_ns);
int recording_write_outcome(FILE *f, const Outcome *outcome, uint64_t now_ns);
int recording_write_review(FILE *f, const Outcome *outcome, const Evidence *after, uint64_t now_ns);

typedef struct Recording Recording;

typedef enum RecordingKind {
        RECORDING_SNAPSHOT,
        RECORDING_OUTCOME,
        RECORDING_REVIEW,
} RecordingKind;

/* Valid until the next one is read. */
typedef struct RecordingEvent {
        RecordingKind kind;
        uint64_t now_ns;
        Snapshot snapshot;
        Outcome outcome;
        const Evidence *after; /* of a review, or NULL */
} RecordingEvent;

/* Reads the header. The file is borrowed until recording_free(). -EBADMSG: no recording, see
 * recording_line(); *ret is set then too, unless memory is short. */
int recording_open(Recording **ret, FILE *f);
Recording *recording_free(Recording *r);

const Topology *recording_topology(const Recording *r);
const Settings *recording_settings(const Recording *r);

/* 1 and the next event, 0 at the end, -EBADMSG for what is no recording, -ENOMEM. */
int recording_next(Recording *r, RecordingEvent *ret);

/* Number of the line read last, for messages. */
unsigned recording_line(const Recording *r);
