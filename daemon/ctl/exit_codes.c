/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/exit_codes.h"

#include <stddef.h>
#include <string.h>

static const struct {
        const char *name;
        ExitCode code;
} error_codes[] = {
        { "org.freedesktop.DBus.Error.ServiceUnknown", EXIT_NOT_RUNNING },
        { "org.freedesktop.DBus.Error.NameHasNoOwner", EXIT_NOT_RUNNING },
        { "org.freedesktop.DBus.Error.AccessDenied", EXIT_NOT_PERMITTED },
        { "org.freedesktop.DBus.Error.AuthFailed", EXIT_NOT_PERMITTED },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EXIT_NOT_PERMITTED },
        { "org.numabalancer1.Error.NotAllowed", EXIT_REFUSED },
        { "org.numabalancer1.Error.Paused", EXIT_REFUSED },
};

ExitCode exit_code_from_error(const char *name) {
        for (size_t i = 0; name && i < sizeof error_codes / sizeof *error_codes; i++)
                if (strcmp(name, error_codes[i].name) == 0)
                        return error_codes[i].code;
        return EXIT_FAILED;
}
