/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A mutation fuzzer that needs nothing but a C compiler: usage: fuzz TARGET [SECONDS [SEED]].
 * Runs with the same seed try the same inputs. With FUZZ_TARGET defined as the name of a target the
 * same file is an entry for libFuzzer:
 * clang -fsanitize=fuzzer,address,undefined -DFUZZ_TARGET=config ... */

#define INPUT_MAX      8192
#define SECONDS        3
#define INPUT_HANGS_MS 2000

static const FuzzTarget *const targets[] = {
        &fuzz_config, &fuzz_parse, &fuzz_proc, &fuzz_maps, &fuzz_node, &fuzz_code,
};

/* libconfig 1.5 leaks the string it is reading when it meets a syntax error. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) {
        return "leak:libconfig.so\n";
}

static char directory[PATH_MAX];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

static void remove_directory(void) {
        if (*directory)
                nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_directory(void) {
        if (!*directory) {
                /* In memory: truncating a file on a disk may wait for that disk. */
                const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");

                snprintf(directory, sizeof(directory), "%s/numabalancer-fuzz-XXXXXX",
                         base ? base : "/tmp");
                FUZZ_CHECK(mkdtemp(directory));
                atexit(remove_directory);
        }
        return directory;
}

void fuzz_write(const char *path, const void *data, size_t size) {
        char whole[2 * PATH_MAX];
        int fd;

        snprintf(whole, sizeof(whole), "%s/%s", fuzz_directory(), path);
        fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) {
                for (char *p = whole + strlen(directory) + 1; (p = strchr(p, '/')); p++) {
                        *p = 0;
                        FUZZ_CHECK(mkdir(whole, 0755) == 0 || errno == EEXIST);
                        *p = '/';
                }
                fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        }
        FUZZ_CHECK(fd >= 0);
        FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
        close(fd);
}

char *fuzz_string(const uint8_t *data, size_t size) {
        char *s = malloc(size + 1);

        FUZZ_CHECK(s);
        if (size > 0)
                memcpy(s, data, size);
        s[size] = 0;
        return s;
}

#ifdef FUZZ_TARGET
#        define TARGET_NAME(name) fuzz_##name
#        define TARGET_OF(name)   TARGET_NAME(name)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        TARGET_OF(FUZZ_TARGET).run(data, size);
        return 0;
}
#else
static uint8_t input[INPUT_MAX];
static size_t input_size;
static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)(random_state >> 32) % n;
}

static size_t count(const char *const *list) {
        size_t n = 0;

        while (list[n])
                n++;
        return n;
}

/* Replaces `removed` bytes at `at` by the n bytes of data, cutting what does not fit. */
static void replace(size_t at, size_t removed, const void *data, size_t n) {
        uint8_t copy[INPUT_MAX];

        if (n > INPUT_MAX)
                n = INPUT_MAX;
        memcpy(copy, data, n);
        if (removed > input_size - at)
                removed = input_size - at;
        if (input_size - removed + n > INPUT_MAX)
                return;
        memmove(input + at + n, input + at + removed, input_size - at - removed);
        memcpy(input + at, copy, n);
        input_size += n - removed;
}

static void mutate(const FuzzTarget *target) {
        static const char *const numbers[] = { "0", "-1", "4294967296", "18446744073709551616",
                                               "" };
        size_t at = random_below((uint32_t)input_size + 1);
        size_t length = random_below(16) + 1;
        const char *word;
        uint8_t byte;

        switch (random_below(7)) {
        case 0: /* another byte */
                byte = (uint8_t)random_below(256);
                replace(at, 1, &byte, 1);
                break;
        case 1: /* a byte more */
                byte = (uint8_t)random_below(256);
                replace(at, 0, &byte, 1);
                break;
        case 2: /* bytes less */
                replace(at, length, "", 0);
                break;
        case 3: /* bytes twice */
                if (length > input_size - at)
                        length = input_size - at;
                replace(at, 0, input + at, length);
                break;
        case 4: /* a word more, or instead */
                word = target->tokens[random_below((uint32_t)count(target->tokens))];
                replace(at, random_below(2) ? strlen(word) : 0, word, strlen(word));
                break;
        case 5: /* an awkward number */
                word = numbers[random_below(sizeof(numbers) / sizeof(numbers[0]))];
                replace(at, random_below(4), word, strlen(word));
                break;
        default: /* cut short */
                if (random_below(4) == 0)
                        input_size = at;
        }
}

/* Shows the input that went wrong, as a C string. */
static void show_input(void) {
        fprintf(stderr, "input of %zu bytes:\n\"", input_size);
        for (size_t i = 0; i < input_size; i++)
                if (input[i] == '"' || input[i] == '\\')
                        fprintf(stderr, "\\%c", input[i]);
                else if (input[i] >= 0x20 && input[i] < 0x7f)
                        fputc(input[i], stderr);
                else
                        fprintf(stderr, "\\%03o", input[i]);
        fputs("\"\n", stderr);
}

static void die(int signal_number) {
        signal(signal_number, SIG_DFL);
        fprintf(stderr, "signal %d, ", signal_number);
        show_input();
        remove_directory();
        raise(signal_number);
}

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run_one(const FuzzTarget *target) {
        double begin = now();

        target->run(input, input_size);
        if (now() - begin > INPUT_HANGS_MS / 1e3) {
                fprintf(stderr, "slow (%.1f s): ", now() - begin);
                show_input();
                abort();
        }
}

static unsigned long run(const FuzzTarget *target, double seconds) {
        size_t n_seeds = count(target->seeds);
        double end = now() + seconds;
        unsigned long runs = 0;

        for (size_t i = 0; i < n_seeds; i++, runs++) {
                input_size = 0;
                replace(0, 0, target->seeds[i], strlen(target->seeds[i]));
                run_one(target);
        }
        for (; now() < end; runs++) {
                const char *seed = target->seeds[random_below((uint32_t)n_seeds)];

                input_size = 0;
                replace(0, 0, seed, strlen(seed));
                for (uint32_t i = random_below(12) + 1; i > 0; i--)
                        mutate(target);
                run_one(target);
        }
        return runs;
}

int main(int argc, char *argv[]) {
        double seconds = argc > 2 ? atof(argv[2]) : SECONDS;
        uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

        for (size_t i = 0; argc > 1 && i < sizeof(targets) / sizeof(targets[0]); i++) {
                if (strcmp(argv[1], targets[i]->name) != 0)
                        continue;
                random_state = seed ? seed : 1;
                signal(SIGABRT, die);
                printf("%s: %lu inputs, seed %llu\n", argv[1], run(targets[i], seconds),
                       (unsigned long long)seed);
                return 0;
        }
        fprintf(stderr, "usage: %s config|parse|proc|maps|node [SECONDS [SEED]]\n", argv[0]);
        return 2;
}
#endif
