/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "helper/state.h"

typedef struct Takeover {
        int root_fd;
        int dir_fd;
        FILE *f;
        Saved saved[TUNABLE_MAX];
} Takeover;

/* Opens the first of its places that exists. */
static int open_tunable(const Takeover *t, Tunable tunable, int flags) {
        const char *path;

        for (size_t i = 0; (path = tunable_path(tunable, i)); i++) {
                int fd = openat(t->root_fd, path, flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

                if (fd >= 0)
                        return fd;
                if (errno != ENOENT)
                        return -errno;
        }
        return -ENOENT;
}

static int read_tunable(const Takeover *t, Tunable tunable, uint64_t *ret) {
        cleanup_close int fd = open_tunable(t, tunable, O_RDONLY);
        char text[32];
        ssize_t n;

        if (fd < 0)
                return fd;
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return parse_u64(text, INT_MAX, ret);
}

static int write_tunable(const Takeover *t, Tunable tunable, uint64_t value) {
        cleanup_close int fd = open_tunable(t, tunable, O_WRONLY | O_TRUNC);
        char text[32];
        int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", value);

        if (fd < 0)
                return fd;
        return write(fd, text, (size_t)n) == n ? 0 : errno ? -errno : -EIO;
}

static void tell_error(const Takeover *t, Tunable tunable, int error) {
        const char *why = strerror(-error);

        if (tunable != TUNABLE_BALANCING && error == -ENOENT)
                why = "it does not exist; is debugfs mounted on /sys/kernel/debug?";
        else if (tunable != TUNABLE_BALANCING && error == -EPERM)
                why = "the kernel refuses it; it is locked down";
        else if (error == -ENOENT)
                why = "this kernel has no NUMA balancing";
        fprintf(t->f, "%s is not changed: %s\n", tunable_to_string(tunable), why);
}

/* Whether a value still is what was written. */
static bool is_ours(const Takeover *t, Tunable tunable, bool tell) {
        const Saved *s = &t->saved[tunable];
        uint64_t present = 0;
        int r = read_tunable(t, tunable, &present);

        if (r < 0 && tell)
                tell_error(t, tunable, r);
        else if (r >= 0 && present != s->written && tell)
                fprintf(t->f,
                        "%s is %" PRIu64 " and not %" PRIu64
                        ": somebody changed it since, it stays\n",
                        tunable_to_string(tunable), present, s->written);
        return r >= 0 && present == s->written;
}

static void give_back(Takeover *t, Tunable tunable) {
        Saved *s = &t->saved[tunable];
        int r;

        if (is_ours(t, tunable, true)) {
                r = write_tunable(t, tunable, s->before);
                if (r < 0)
                        tell_error(t, tunable, r);
                else
                        fprintf(t->f, "%s is %" PRIu64 " again\n", tunable_to_string(tunable),
                                s->before);
        }
        *s = (Saved) { 0 };
}

/* Ends what a new setting does not ask for, or wants otherwise. Balancing first, so that the kernel
 * never balances at its own pace because the scanner's values were put back. */
static void give_back_unwanted(Takeover *t, KernelBalancing balancing) {
        for (int i = TUNABLE_MAX - 1; i >= 0; i--) {
                uint64_t wanted;

                if (!t->saved[i].taken)
                        continue;
                if (!tunable_wanted((Tunable)i, balancing, t->saved[i].written, &wanted))
                        give_back(t, (Tunable)i);
                else if (wanted != t->saved[i].written && is_ours(t, (Tunable)i, false))
                        give_back(t, (Tunable)i);
        }
}

/* 0: it is as wanted, or somebody else's since; else why it is not. */
static int take(Takeover *t, Tunable tunable, KernelBalancing balancing) {
        Saved *s = &t->saved[tunable];
        uint64_t present = 0, wanted;
        int r;

        if (s->taken)
                return is_ours(t, tunable, true) ? 0 : -EBUSY;
        r = read_tunable(t, tunable, &present);
        if (r >= 0 && (!tunable_wanted(tunable, balancing, present, &wanted) || wanted == present))
                return 0;
        if (r >= 0) {
                *s = (Saved) { .taken = true, .before = present, .written = wanted };
                r = state_write(t->dir_fd, t->saved);
        }
        if (r >= 0)
                r = write_tunable(t, tunable, wanted);
        if (r < 0) {
                *s = (Saved) { 0 };
                (void)state_write(t->dir_fd, t->saved);
                tell_error(t, tunable, r);
                return r;
        }
        fprintf(t->f, "%s is %" PRIu64 " now, was %" PRIu64 "\n", tunable_to_string(tunable),
                wanted, present);
        return 0;
}

static void take_all(Takeover *t, KernelBalancing balancing) {
        bool slow = true;

        for (int i = 0; i < TUNABLE_BALANCING; i++)
                if (balancing == BALANCING_SAMPLE && take(t, (Tunable)i, balancing) < 0)
                        slow = false;
        if (slow || balancing == BALANCING_OFF)
                (void)take(t, TUNABLE_BALANCING, balancing);
        else if (!t->saved[TUNABLE_BALANCING].taken)
                fprintf(t->f, "kernel.numa_balancing stays as it is, because its scanner cannot be "
                              "slowed down\n");
}

static int begin(Takeover *t, int root_fd, bool create, FILE *f) {
        unsigned bad;

        *t = (Takeover) { .root_fd = root_fd, .f = f };
        t->dir_fd = state_open(root_fd, create);
        if (t->dir_fd < 0)
                return t->dir_fd;
        state_read(t->dir_fd, t->saved, &bad);
        if (bad > 0)
                fprintf(f, "/" STATE_DIRECTORY " holds %u lines that are not ours, ignoring them\n",
                        bad);
        return 0;
}

int takeover_apply(int root_fd, KernelBalancing balancing, FILE *f) {
        Takeover t;
        int r = begin(&t, root_fd, balancing != BALANCING_LEAVE, f);

        if (r == -ENOENT && balancing == BALANCING_LEAVE)
                return 0; /* nothing was taken, nothing is wanted */
        if (r < 0)
                return r;
        give_back_unwanted(&t, balancing);
        r = state_write(t.dir_fd, t.saved);
        if (r >= 0)
                take_all(&t, balancing);
        close(t.dir_fd);
        if (balancing == BALANCING_LEAVE)
                state_remove(root_fd);
        return r;
}

int takeover_restore(int root_fd, FILE *f) {
        return takeover_apply(root_fd, BALANCING_LEAVE, f);
}
