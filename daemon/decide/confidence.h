/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a few samples are worth. n may be a decayed sum of weights: taking it for the number of
 * samples is on the safe side (at a steady rate the effective number is twice that sum). */

/* Bounds of the share behind k hits in n samples, one-sided 95 %. Wilson score interval:
 * (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n). Without samples 0 and 1. */
double wilson_lower(double k, double n);
double wilson_upper(double k, double n);

/* The part of a rate that k samples prove, 0..1, one-sided 95 %: lower bound of the Poisson mean
 * over k, by Wilson and Hilferty (1 - 1/9k - z/3sqrt(k))^3. 4 samples: 0.34, 8: 0.50, 64: 0.80. */
double poisson_lower_part(double k);
