/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/pressure.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/prefix.h"
#include "system/file.h"

int pressure_read(const SystemRoot *root, PressureResource resource, double *ret_percent) {
        static const char *const paths[PRESSURE_RESOURCE_MAX] = {
                [PRESSURE_CPU] = "pressure/cpu",
                [PRESSURE_MEMORY] = "pressure/memory",
                [PRESSURE_IO] = "pressure/io",
        };
        static const char prefix[] = "some avg10=";
        char text[256], *number = text + strlen(prefix);
        double percent;
        int r;

        if ((unsigned)resource >= PRESSURE_RESOURCE_MAX)
                return -EINVAL;
        r = file_read(root->proc_fd, paths[resource], text, sizeof(text));
        if (r < 0)
                return r;
        if (!after_prefix(text, prefix))
                return -EBADMSG;
        number[strcspn(number, " ")] = 0;
        if (parse_double(number, &percent) < 0 || percent < 0)
                return -EBADMSG;
        *ret_percent = percent;
        return 0;
}
