/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/confidence.h"

#include <math.h>

#include "base/mathx.h"
#include "decide/tuning.h"

static double wilson(double k, double n, double z) {
        double p, z2 = z * z, root;

        p = clamp_double(k / n, 0, 1);
        root = sqrt(p * (1 - p) / n + z2 / (4 * n * n));
        return clamp_double((p + z2 / (2 * n) + z * root) / (1 + z2 / n), 0, 1);
}

/* Below this, z2/n2 would leave the range of a double; it proves nothing anyway. */
#define SAMPLES_TINY 1e-6

double wilson_lower(double k, double n) {
        return n > SAMPLES_TINY ? wilson(k, n, -CONFIDENCE_Z) : 0;
}

double wilson_upper(double k, double n) {
        return n > SAMPLES_TINY ? wilson(k, n, CONFIDENCE_Z) : 1;
}

double poisson_lower_part(double k) {
        double root;

        if (!(k > SAMPLES_TINY))
                return 0;
        root = 1 - 1 / (9 * k) - CONFIDENCE_Z / (3 * sqrt(k));
        return root > 0 ? root * root * root : 0;
}
