/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "helper/takeover.h"

/* The same as the daemon's. */
enum { EXIT_GOOD, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG = 78 };

static void print_help(FILE *f) {
        fputs("numabalancer-kernel [OPTION...] apply|restore\n"
              "\n"
              "Does what the setting kernel_balancing asks for, and undoes it. Run as root by\n"
              "numabalancerd.service; see numabalancerd(8).\n"
              "\n"
              "  --config FILE   read FILE instead of " CONFIG_PATH "\n"
              "  --version       print the version and exit\n"
              "  --help          print this and exit\n",
              f);
}

static int apply(int root_fd, const char *path) {
        cleanup_free char *message = NULL;
        Settings settings;
        int r;

        r = config_load(path ?: CONFIG_PATH, path != NULL, &settings, NULL, NULL, &message);
        if (r < 0) {
                fprintf(stderr, "numabalancer-kernel: nothing is changed: %s\n",
                        message ?: strerror(-r));
                return EXIT_CONFIG;
        }
        r = takeover_apply(root_fd, settings.kernel_balancing, stderr);
        if (r < 0)
                fprintf(stderr, "numabalancer-kernel: nothing is changed: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILED : EXIT_GOOD;
}

static int restore(int root_fd) {
        int r = takeover_restore(root_fd, stderr);

        if (r < 0)
                fprintf(stderr, "numabalancer-kernel: nothing is put back: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILED : EXIT_GOOD;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        cleanup_close int root_fd = -1;
        const char *path = NULL, *verb;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 'c':
                        path = optarg;
                        break;
                case 'v':
                        puts("numabalancer-kernel " NUMABALANCER_VERSION);
                        return EXIT_GOOD;
                case 'h':
                        print_help(stdout);
                        return EXIT_GOOD;
                default:
                        return EXIT_USAGE;
                }
        }
        verb = optind + 1 == argc ? argv[optind] : "";
        if (strcmp(verb, "apply") != 0 && strcmp(verb, "restore") != 0) {
                print_help(stderr);
                return EXIT_USAGE;
        }
        root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0) {
                fprintf(stderr, "numabalancer-kernel: %s\n", strerror(errno));
                return EXIT_FAILED;
        }
        return strcmp(verb, "apply") == 0 ? apply(root_fd, path) : restore(root_fd);
}
