/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/balancing.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"
#include "system/file.h"

int kernel_balancing_read(const SystemRoot *root, unsigned *ret_mode) {
        char text[32];
        uint64_t mode;
        int r = file_read(root->proc_fd, "sys/kernel/numa_balancing", text, sizeof(text));

        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        if (parse_u64(text, UINT_MAX, &mode) < 0)
                return -EBADMSG;
        *ret_mode = (unsigned)mode;
        return 0;
}
