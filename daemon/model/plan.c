/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/plan.h"

#include <stdlib.h>

void plan_done(Plan *plan) {
        free(plan->verdicts);
        free(plan->moves);
        free(plan->ranges);
        *plan = (Plan) {};
}
