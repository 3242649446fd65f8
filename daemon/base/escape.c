/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 when there is none. */
static size_t utf8_length(const uint8_t *p, size_t n, uint32_t *ret_code) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t code;
        size_t length;

        if (p[0] < 0x80)
                length = 1, code = p[0];
        else if (p[0] >= 0xc2 && p[0] < 0xe0)
                length = 2, code = p[0] & 0x1f;
        else if (p[0] >= 0xe0 && p[0] < 0xf0)
                length = 3, code = p[0] & 0x0f;
        else if (p[0] >= 0xf0 && p[0] < 0xf5)
                length = 4, code = p[0] & 0x07;
        else
                return 0;
        if (length > n)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (p[i] & 0x3f);
        }
        if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
                return 0;
        *ret_code = code;
        return length;
}

/* Characters that can make a terminal or a log line lie: controls, line and paragraph separators,
 * bidirectional marks and overrides; and the backslash, so that escapes are unambiguous. */
static bool is_unsafe(uint32_t code) {
        return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '\\' || code == 0x61c ||
               code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
               (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

size_t escape_bytes(char *dst, size_t size, const void *src, size_t n) {
        static const char hex[] = "0123456789abcdef";
        const uint8_t *p = src;
        size_t used = 0;

        if (size == 0)
                return 0;
        while (n > 0) {
                uint32_t code = 0;
                size_t length = utf8_length(p, n, &code);

                if (length > 0 && !is_unsafe(code)) {
                        if (length >= size - used)
                                break;
                        memcpy(dst + used, p, length);
                        used += length;
                } else {
                        length = 1;
                        if (4 >= size - used)
                                break;
                        dst[used++] = '\\';
                        dst[used++] = 'x';
                        dst[used++] = hex[p[0] >> 4];
                        dst[used++] = hex[p[0] & 0x0f];
                }
                p += length;
                n -= length;
        }
        dst[used] = 0;
        return used;
}

size_t escape_string(char *dst, size_t size, const char *src) {
        return escape_bytes(dst, size, src, strlen(src));
}

char *escape_text(const char *src) {
        size_t n = strlen(src);
        char *dst = malloc(ESCAPE_BYTES(n));

        if (dst)
                escape_bytes(dst, ESCAPE_BYTES(n), src, n);
        return dst;
}
