/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/reason.h"

#include <errno.h>
#include <string.h>

static const struct {
        const char *code;
        const char *sentence;
} reasons[REASON_MAX] = {
#define REASON_ENTRY(name, text, words) [REASON_##name] = { .code = text, .sentence = words },
        REASON_TABLE(REASON_ENTRY)
#undef REASON_ENTRY
};

const char *reason_to_string(Reason reason) {
        return reasons[(unsigned)reason < REASON_MAX ? reason : REASON_NONE].code;
}

const char *reason_sentence(Reason reason) {
        return reasons[(unsigned)reason < REASON_MAX ? reason : REASON_NONE].sentence;
}

int reason_from_string(const char *code) {
        for (int i = 0; i < REASON_MAX; i++)
                if (strcmp(code, reasons[i].code) == 0)
                        return i;
        return -EINVAL;
}
