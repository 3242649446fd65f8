/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/sink.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SINK_SOCKET "/run/systemd/journal/socket"

/* libsystemd's sender blocks while the journal's queue is full, which a watchdog would punish; this
 * one sends the same datagrams and lets a record go instead. */
static struct {
        SinkTarget target;
        int level;
        int fd;
        const char *socket;
} sink = { .target = SINK_AUTO, .level = LOG_INFO, .fd = -1, .socket = SINK_SOCKET };

static const char *const target_names[SINK_TARGET_MAX] = {
        [SINK_AUTO] = "auto",
        [SINK_JOURNAL] = "journal",
        [SINK_CONSOLE] = "console",
        [SINK_NULL] = "null",
};

static const char *const level_names[] = {
        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

static int name_index(const char *const *names, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], s) == 0)
                        return (int)i;
        return -EINVAL;
}

const char *sink_target_to_string(SinkTarget target) {
        return target_names[(unsigned)target < SINK_TARGET_MAX ? target : SINK_AUTO];
}

int sink_target_from_string(const char *s) {
        return name_index(target_names, SINK_TARGET_MAX, s);
}

const char *sink_level_to_string(int level) {
        return level_names[level < LOG_EMERG ? LOG_EMERG : level > LOG_DEBUG ? LOG_DEBUG : level];
}

int sink_level_from_string(const char *s) {
        return name_index(level_names, sizeof level_names / sizeof *level_names, s);
}

SinkTarget sink_get_target(void) {
        return sink.target;
}

void sink_set_target(SinkTarget target) {
        sink.target = target;
}

int sink_get_level(void) {
        return sink.level;
}

void sink_set_level(int level) {
        sink.level = level;
}

void sink_set_socket(const char *path) {
        sink.socket = path ?: SINK_SOCKET;
}

bool sink_is_journal_stream(const char *value, uint64_t device, uint64_t inode) {
        char text[64];

        if (!value)
                return false;
        snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)device,
                 (unsigned long long)inode);
        return strcmp(value, text) == 0;
}

static bool stderr_is_journal(void) {
        struct stat st;

        return fstat(STDERR_FILENO, &st) == 0 &&
               sink_is_journal_stream(getenv("JOURNAL_STREAM"), st.st_dev, st.st_ino);
}

/* One field of the native protocol. */
static void encode_field(FILE *f, const char *name, size_t name_length, const char *value) {
        size_t length = strlen(value);

        if (memchr(value, '\n', length)) {
                uint64_t le = htole64(length);

                fwrite(name, 1, name_length, f);
                fputc('\n', f);
                fwrite(&le, sizeof le, 1, f);
        } else {
                fwrite(name, 1, name_length, f);
                fputc('=', f);
        }
        fwrite(value, 1, length, f);
        fputc('\n', f);
}

int sink_encode(const Record *r, char **ret, size_t *ret_size) {
        char *buffer = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&buffer, &size);
        bool failed;

        if (!f)
                return -ENOMEM;
        encode_field(f, "MESSAGE", strlen("MESSAGE"), r->message ?: "");
        for (size_t i = 0; i < r->n_fields; i++) {
                const char *eq = strchr(r->fields[i], '=');

                if (eq)
                        encode_field(f, r->fields[i], (size_t)(eq - r->fields[i]), eq + 1);
        }
        failed = ferror(f);
        if (fclose(f) != 0 || failed) {
                free(buffer);
                return -ENOMEM;
        }
        *ret = buffer;
        *ret_size = size;
        return 0;
}

/* False when the path is too long. */
static bool journal_address(struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        if (strlen(sink.socket) >= sizeof ret->sun_path)
                return false;
        strcpy(ret->sun_path, sink.socket);
        return true;
}

bool sink_journal_is_there(void) {
        cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un sa;

        return fd >= 0 && journal_address(&sa) &&
               connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
}

/* True when the journal took the record, or is there but too busy to take it now. */
static bool send_native(const Record *r) {
        cleanup_free char *buffer = NULL;
        struct sockaddr_un sa;
        size_t size = 0;

        if (sink.fd < 0)
                sink.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (sink.fd < 0 || !journal_address(&sa) || sink_encode(r, &buffer, &size) < 0)
                return false;
        return sendto(sink.fd, buffer, size, MSG_NOSIGNAL, (struct sockaddr *)&sa, sizeof sa) >=
                       0 ||
               errno == EAGAIN;
}

/* One line; a terminal gets no prefix, as nobody there reads it. */
static void send_line(const Record *r) {
        cleanup_free char *line = NULL;
        int n;

        if (isatty(STDERR_FILENO))
                n = asprintf(&line, "%s\n", r->message ?: "");
        else
                n = asprintf(&line, "<%d>%s\n", r->priority, r->message ?: "");
        /* A message of one write stays in one piece among those of others. */
        if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
                return;
}

void sink_send(const Record *r) {
        bool native =
                sink.target == SINK_JOURNAL || (sink.target == SINK_AUTO && stderr_is_journal());

        if (sink.target == SINK_NULL || r->priority > sink.level)
                return;
        if (!native || !send_native(r))
                send_line(r);
}
