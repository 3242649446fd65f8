/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int replace_file(const char *path, ReplaceWrite write, const void *userdata) {
        cleanup_free char *temporary = NULL;
        cleanup_fclose FILE *f = NULL;
        int fd, r;

        /* Collectors read *.prom; the name of the unfinished file must not end so. */
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f) {
                close(fd);
                (void)unlink(temporary);
                return -ENOMEM;
        }
        r = write(f, userdata);
        if (r >= 0 && (fflush(f) != 0 || ferror(f)))
                r = -EIO;
        if (r >= 0 && (fchmod(fd, 0644) < 0 || rename(temporary, path) < 0))
                r = -errno;
        if (r < 0)
                (void)unlink(temporary);
        return r;
}
