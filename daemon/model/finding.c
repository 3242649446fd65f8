/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/finding.h"

const char *finding_state_to_string(FindingState state) {
        static const char *const names[FINDING_STATE_MAX] = {
                [FINDING_GOOD] = "good",
                [FINDING_LIMITED] = "limited",
                [FINDING_MISSING] = "missing",
        };

        return names[(unsigned)state < FINDING_STATE_MAX ? state : FINDING_MISSING];
}
