/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/messages.h"

#include <stddef.h>

static const MessageInfo message_table[MESSAGE_MAX] = {
#define MESSAGE_ROW(kind, name, id, priority, burst, interval)                                     \
        [MESSAGE_##kind] = { name, id, priority, burst, interval },
        MESSAGE_TABLE(MESSAGE_ROW)
#undef MESSAGE_ROW
};

const MessageInfo *message_info(MessageKind kind) {
        return (unsigned)kind < MESSAGE_MAX ? &message_table[kind] : NULL;
}
