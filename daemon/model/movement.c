/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/movement.h"

#include <string.h>

static const struct {
        const char *name;
        const char *constant;
} causes[MOVE_CAUSE_MAX] = {
#define MOVE_CAUSE_ENTRY(NAME, text, meaning) [MOVE_CAUSE_##NAME] = { text, "MR_" #NAME },
        MOVE_CAUSE_TABLE(MOVE_CAUSE_ENTRY)
#undef MOVE_CAUSE_ENTRY
};

const char *move_cause_to_string(MoveCause cause) {
        return causes[(unsigned)cause < MOVE_CAUSE_MAX ? cause : MOVE_CAUSE_OTHER].name;
}

MoveCause move_cause_from_constant(const char *constant) {
        for (int i = 0; i < MOVE_CAUSE_OTHER; i++)
                if (strcmp(constant, causes[i].constant) == 0)
                        return (MoveCause)i;
        return MOVE_CAUSE_OTHER;
}
