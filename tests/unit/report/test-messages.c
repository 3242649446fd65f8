/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <string.h>

#include "report/messages.h"

Test(messages, ids_are_ids_and_unique) {
        for (int i = 0; i < MESSAGE_MAX; i++) {
                const MessageInfo *a = message_info((MessageKind)i);

                cr_assert_eq(strlen(a->id), 32, "%s", a->name);
                cr_assert_eq(strspn(a->id, "0123456789abcdef"), 32, "%s", a->name);
                cr_assert(a->priority >= LOG_ERR && a->priority <= LOG_INFO, "%s", a->name);
                cr_assert((a->burst == 0) == (a->interval_sec == 0), "%s", a->name);
                for (int k = 0; k < i; k++) {
                        const MessageInfo *b = message_info((MessageKind)k);

                        cr_assert_str_neq(a->id, b->id, "%s, %s", a->name, b->name);
                        cr_assert_str_neq(a->name, b->name, "%s", a->id);
                }
        }
}

Test(messages, out_of_range) {
        cr_assert_null(message_info(MESSAGE_MAX));
        cr_assert_null(message_info((MessageKind)-1));
}
