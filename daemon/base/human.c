/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define USEC UINT64_C(1000)
#define MSEC (UINT64_C(1000) * USEC)
#define SEC  (UINT64_C(1000) * MSEC)

char *human_bytes(char *buf, size_t size, uint64_t bytes) {
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double)bytes / 1024;
        size_t i = 0;

        if (bytes < 1024) {
                snprintf(buf, size, "%" PRIu64 " B", bytes);
                return buf;
        }
        /* 1023.95 would be printed as 1024.0. */
        while (value >= 1023.95 && i + 1 < sizeof units / sizeof *units) {
                value /= 1024;
                i++;
        }
        snprintf(buf, size, "%.1f %s", value, units[i]);
        return buf;
}

/* Two units, the smaller one left out when it is zero. */
static void duration_pair(char *buf, size_t size, uint64_t big, const char *big_unit,
                          uint64_t small, const char *small_unit) {
        if (small == 0)
                snprintf(buf, size, "%" PRIu64 " %s", big, big_unit);
        else
                snprintf(buf, size, "%" PRIu64 " %s %" PRIu64 " %s", big, big_unit, small,
                         small_unit);
}

/* One decimal below ten, none above: two to three digits are what a person reads. */
static void duration_scaled(char *buf, size_t size, uint64_t ns, uint64_t unit, const char *name) {
        double value = (double)ns / (double)unit;

        if (value < 9.95 && ns % unit != 0)
                snprintf(buf, size, "%.1f %s", value, name);
        else
                snprintf(buf, size, "%.0f %s", value, name);
}

char *human_duration(char *buf, size_t size, uint64_t ns) {
        uint64_t s = ns / SEC;

        if (ns < USEC)
                snprintf(buf, size, "%" PRIu64 " ns", ns);
        else if (ns < MSEC - USEC / 2)
                duration_scaled(buf, size, ns, USEC, "us");
        else if (ns < SEC - MSEC / 2)
                duration_scaled(buf, size, ns, MSEC, "ms");
        else if (s < 60)
                duration_scaled(buf, size, ns, SEC, "s");
        else if (s < 3600)
                duration_pair(buf, size, s / 60, "min", s % 60, "s");
        else if (s < 86400)
                duration_pair(buf, size, s / 3600, "h", s / 60 % 60, "min");
        else
                duration_pair(buf, size, s / 86400, "d", s / 3600 % 24, "h");
        return buf;
}

char *human_share(char *buf, size_t size, double share) {
        double percent = share * 100;

        if (!isfinite(percent))
                snprintf(buf, size, "unknown");
        else if (percent == 0)
                snprintf(buf, size, "0 %%");
        else if (percent > 0 && percent < 0.05)
                snprintf(buf, size, "<0.1 %%");
        else if (fabs(percent) < 9.95 && percent != floor(percent))
                snprintf(buf, size, "%.1f %%", percent);
        else
                snprintf(buf, size, "%.0f %%", percent);
        return buf;
}
