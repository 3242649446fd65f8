/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#define FINDING_TEXT_BYTES 160
#define FINDINGS_MAX       32

typedef enum FindingState {
        FINDING_GOOD,
        FINDING_LIMITED, /* works, but not as well as it could */
        FINDING_MISSING, /* the daemon cannot act */
        FINDING_STATE_MAX,
} FindingState;

/* "good", "limited", "missing". */
const char *finding_state_to_string(FindingState state);

/* One thing that the daemon needs, or that makes it work worse. */
typedef struct Finding {
        const char *id; /* stable, "btf" */
        FindingState state;
        char found[FINDING_TEXT_BYTES]; /* what is there; plain ASCII */
        const char *effect;             /* what follows from it; "" when good */
        const char *fix;                /* what would help; "" when good */
} Finding;
