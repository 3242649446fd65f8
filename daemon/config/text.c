/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/prefix.h"

/* More than any sensible file needs, less than recursion could choke on. */
#define DEPTH_MAX 32

static int read_all(int fd, char *buffer, size_t size, size_t *ret_used) {
        size_t used = 0;

        for (;;) {
                ssize_t n = read(fd, buffer + used, size - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                used += (size_t)n;
                if (n == 0 || used == size)
                        break;
        }
        *ret_used = used;
        return 0;
}

int text_read(const char *path, char **ret_text, ConfigError *error) {
        /* Non-blocking: a FIFO must not hold the daemon. */
        cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        cleanup_free char *buffer = NULL;
        struct stat st;
        size_t used = 0;
        int r;

        if (fd < 0) {
                r = -errno;
                if (r == -ENOENT)
                        return r;
                return config_error(error, r == -EPERM ? -EACCES : r, path, 0, "cannot be read: %s",
                                    strerror(-r));
        }
        if (fstat(fd, &st) < 0)
                return config_error(error, -errno, path, 0, "cannot be read: %m");
        if (!S_ISREG(st.st_mode))
                return config_error(error, -ENOTSUP, path, 0, "is no regular file");
        buffer = malloc(CONFIG_BYTES_MAX + 1);
        if (!buffer)
                return -ENOMEM;
        r = read_all(fd, buffer, CONFIG_BYTES_MAX + 1, &used);
        if (r < 0)
                return config_error(error, r, path, 0, "cannot be read: %s", strerror(-r));
        if (used > CONFIG_BYTES_MAX)
                return config_error(error, -EFBIG, path, 0, "is larger than 1 MiB");
        buffer[used] = 0;
        if (strlen(buffer) != used) {
                unsigned line = 1;

                for (const char *p = buffer; *p; p++)
                        line += *p == '\n';
                return config_error(error, -EBADMSG, path, line, "NUL byte in a text file");
        }
        *ret_text = TAKE_PTR(buffer);
        return 0;
}

typedef struct Scanner {
        const char *path;
        const char *in;
        char *out;
        size_t used;
        unsigned line;
        unsigned depth;
        ConfigError *error;
} Scanner;

static int refuse(Scanner *s, const char *words) {
        return config_error(s->error, -EBADMSG, s->path, s->line, "%s", words);
}

static void copy(Scanner *s, size_t n) {
        for (; n > 0; n--) {
                s->line += *s->in == '\n';
                s->out[s->used++] = *s->in++;
        }
}

static int scan_block_comment(Scanner *s) {
        const char *end = strstr(s->in + 2, "*/");

        if (!end)
                return refuse(s, "comment without end");
        copy(s, (size_t)(end - s->in) + 2);
        return 0;
}

static int scan_string(Scanner *s) {
        unsigned first_line = s->line;

        copy(s, 1);
        while (*s->in != '"') {
                if (after_prefix(s->in, "\\x00"))
                        return refuse(s, "\\x00 in a string");
                if (!*s->in || (*s->in == '\\' && !s->in[1])) {
                        s->line = first_line;
                        return refuse(s, "string without end");
                }
                copy(s, *s->in == '\\' ? 2 : 1);
        }
        copy(s, 1);
        return 0;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int digit_value(char c) {
        if (is_digit(c))
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Writes the integer at s->in (digits of `length` characters in all) again when 32 bits cannot hold
 * it; room for that is reserved in text_prepare. */
static void scan_integer(Scanner *s, size_t length, int base) {
        bool negative = *s->in == '-';
        const char *digits = s->in + (*s->in == '-' || *s->in == '+') + (base == 16 ? 2 : 0);
        const char *end = s->in + length;
        uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX;

        for (; digits < end; digits++)
                if (__builtin_mul_overflow(magnitude, (uint64_t)base, &magnitude) ||
                    __builtin_add_overflow(magnitude, (uint64_t)digit_value(*digits), &magnitude) ||
                    magnitude > limit)
                        magnitude = limit;
        if (magnitude <= INT32_MAX)
                copy(s, length);
        else {
                s->used += (size_t)sprintf(s->out + s->used, "%s%lluL", negative ? "-" : "",
                                           (unsigned long long)magnitude);
                s->in = end;
        }
        /* It may have been written as 64-bit integer already. */
        while (*s->in == 'L')
                s->in++;
}

/* An integer in decimal or hexadecimal digits, or a float, which is copied as it is. */
static int scan_number(Scanner *s) {
        const char *p = s->in;
        size_t digits;

        p += *p == '-' || *p == '+';
        if (p == s->in && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
                for (p += 2; digit_value(*p) < 16;)
                        p++;
                scan_integer(s, (size_t)(p - s->in), 16);
                return 0;
        }
        digits = strspn(p, "0123456789");
        p += digits;
        if (digits > 0 && *p != '.' && *p != 'e' && *p != 'E') {
                scan_integer(s, (size_t)(p - s->in), 10);
                return 0;
        }
        if (*p == '.') {
                size_t fraction = strspn(++p, "0123456789");

                digits += fraction;
                p += fraction;
        }
        if (digits == 0)
                return refuse(s, "number without digits");
        if (*p == 'e' || *p == 'E') {
                p++;
                p += *p == '-' || *p == '+';
                p += strspn(p, "0123456789");
        }
        copy(s, (size_t)(p - s->in));
        return 0;
}

static int scan_brackets(Scanner *s) {
        if (*s->in == '{' || *s->in == '(' || *s->in == '[') {
                if (++s->depth > DEPTH_MAX)
                        return refuse(s, "groups and lists are nested too deeply");
        } else if (s->depth > 0)
                s->depth--;
        copy(s, 1);
        return 0;
}

static int scan_token(Scanner *s) {
        char c = *s->in;

        if (c == '#' || (c == '/' && s->in[1] == '/'))
                copy(s, strcspn(s->in, "\n"));
        else if (c == '/' && s->in[1] == '*')
                return scan_block_comment(s);
        else if (c == '"')
                return scan_string(s);
        else if (c == '@')
                return refuse(s, "@include is not supported; use drop-in files instead");
        else if (is_letter(c) || c == '*')
                copy(s, strspn(s->in, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_*"));
        else if (is_digit(c) || c == '-' || c == '+' || c == '.')
                return scan_number(s);
        else if (strchr("{}()[]", c))
                return scan_brackets(s);
        else
                copy(s, 1);
        return 0;
}

/* Whatever the scanner takes for a comment or a string: libconfig must never see such a line. */
static int refuse_include_lines(const char *path, const char *text, ConfigError *error) {
        unsigned line = 1;

        for (const char *p = text; p; line++) {
                p += strspn(p, " \t");
                if (after_prefix(p, "@include"))
                        return config_error(error, -EBADMSG, path, line,
                                            "@include is not supported; use drop-in files instead");
                p = strchr(p, '\n');
                if (p)
                        p++;
        }
        return 0;
}

int text_prepare(const char *path, const char *text, char **ret_text, ConfigError *error) {
        size_t length = strlen(text);
        cleanup_free char *out = NULL;
        Scanner s = { .path = path, .in = text, .line = 1, .error = error };
        int r;

        r = refuse_include_lines(path, text, error);
        if (r < 0)
                return r;
        /* The shortest integer that is rewritten is "0x80000000", which becomes "2147483648L"; the
         * shortest that gives the longest result, "-9223372036854775807L", has 16 digits. So
         * nothing grows to more than twice its length. */
        out = malloc(2 * length + 32);
        if (!out)
                return -ENOMEM;
        s.out = out;
        while (*s.in) {
                r = scan_token(&s);
                if (r < 0)
                        return r;
        }
        /* libconfig 1.5 takes a comment on a last line without newline for a syntax error. */
        if (s.used > 0 && out[s.used - 1] != '\n')
                out[s.used++] = '\n';
        out[s.used] = 0;
        *ret_text = TAKE_PTR(out);
        return 0;
}
