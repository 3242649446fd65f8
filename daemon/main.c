/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "manager/manager.h"

static void print_help(FILE *f) {
        fputs("numabalancerd [OPTION...]\n"
              "\n"
              "Finds processes that pay for remote NUMA memory and moves their pages to them.\n"
              "\n"
              "  --config FILE   read FILE instead of " CONFIG_PATH "\n"
              "  --check [FILE]  check the configuration, print what is in effect, and exit\n"
              "  --doctor        tell what the daemon needs and what is missing, and exit\n"
              "  --observe       never move pages, only say what would be moved\n"
              "  --version       print the version and exit\n"
              "  --help          print this and exit\n"
              "\n"
              "Exit status: 0 good, 1 failed, 2 usage, 77 a privilege is missing,\n"
              "78 the configuration is wrong.\n",
              f);
}

static int unexpected_argument(const char *argument) {
        fprintf(stderr, "numabalancerd: unexpected argument '%s'\nTry 'numabalancerd --help'.\n",
                argument);
        return EXIT_STATUS_USAGE;
}

/* numabalancerd --check: a named file must exist, the default one may be missing. */
static int check_config(const char *path) {
        cleanup_free char *message = NULL;
        Settings settings;
        Rules *rules = NULL;
        bool missing = false;
        int r;

        r = config_load(path ?: CONFIG_PATH, path != NULL, &settings, &rules, &missing, &message);
        if (r < 0) {
                fprintf(stderr, "numabalancerd: %s\n", message ?: strerror(-r));
                return EXIT_STATUS_CONFIG;
        }
        if (missing)
                fprintf(stderr, "numabalancerd: there is no " CONFIG_PATH "; the defaults apply\n");
        r = config_print(stdout, &settings, rules);
        rules_free(rules);
        return r < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_GOOD;
}

int main(int argc, char *argv[]) {
        enum {
                OPTION_CONFIG = 256,
                OPTION_CHECK,
                OPTION_DOCTOR,
                OPTION_OBSERVE,
                OPTION_VERSION,
                OPTION_HELP
        };
        static const struct option options[] = {
                { "config", required_argument, NULL, OPTION_CONFIG },
                { "check", no_argument, NULL, OPTION_CHECK },
                { "doctor", no_argument, NULL, OPTION_DOCTOR },
                { "observe", no_argument, NULL, OPTION_OBSERVE },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "help", no_argument, NULL, OPTION_HELP },
                {},
        };
        ManagerOptions manager_options = {};
        bool check = false, doctor = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case OPTION_CONFIG:
                        manager_options.config_path = optarg;
                        break;
                case OPTION_CHECK:
                        check = true;
                        break;
                case OPTION_DOCTOR:
                        doctor = true;
                        break;
                case OPTION_OBSERVE:
                        manager_options.observe_only = true;
                        break;
                case OPTION_VERSION:
                        puts("numabalancerd " NUMABALANCER_VERSION);
                        return EXIT_STATUS_GOOD;
                case OPTION_HELP:
                        print_help(stdout);
                        return EXIT_STATUS_GOOD;
                default:
                        return EXIT_STATUS_USAGE;
                }
        }
        if (check && optind + 1 == argc && !manager_options.config_path)
                manager_options.config_path = argv[optind++];
        if (optind < argc)
                return unexpected_argument(argv[optind]);
        if (doctor)
                return manager_doctor();
        if (check)
                return check_config(manager_options.config_path);
        return manager_run(&manager_options);
}
