/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/format.h"
#include "config/distances.h"
#include "config/rules.h"

static void print_value(FILE *f, const SettingInfo *info, const void *member) {
        char buffer[FORMAT_BYTES];

        switch (info->type) {
        case SETTING_MODE:
                fprintf(f, "\"%s\"", mode_to_string(*(const Mode *)member));
                break;
        case SETTING_METHOD:
                fprintf(f, "\"%s\"", method_to_string(*(const MoveMethod *)member));
                break;
        case SETTING_SOURCE:
                fprintf(f, "\"%s\"", source_setting_to_string(*(const int *)member));
                break;
        case SETTING_BALANCING:
                fprintf(f, "\"%s\"", balancing_to_string(*(const KernelBalancing *)member));
                break;
        case SETTING_BOOL:
                fputs(*(const bool *)member ? "true" : "false", f);
                break;
        case SETTING_UINT:
                fprintf(f, "%" PRIu32, *(const uint32_t *)member);
                break;
        case SETTING_FLOAT:
                fputs(format_double(buffer, *(const double *)member), f);
                break;
        case SETTING_SIZE:
                fprintf(f, "\"%s\"", format_size(buffer, *(const uint64_t *)member));
                break;
        case SETTING_DURATION:
                fprintf(f, "\"%s\"", format_duration(buffer, *(const uint64_t *)member));
                break;
        }
}

int config_print(FILE *f, const Settings *settings, const Rules *rules) {
        const char *group = "";
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++) {
                if (strcmp(infos[i].group, group) != 0) {
                        if (*group)
                                fputs("};\n", f);
                        group = infos[i].group;
                        if (*group)
                                fprintf(f, "%s: {\n", group);
                }
                fprintf(f, "%s%s = ", *group ? "        " : "", infos[i].key);
                print_value(f, &infos[i], (const char *)settings + infos[i].offset);
                fputs(";\n", f);
        }
        if (*group)
                fputs("};\n", f);
        distances_print(f, settings);
        rules_print(f, rules);
        return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}
