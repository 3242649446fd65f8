/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/parse.h"
#include "model/view.h"

enum {
        OPTION_VERSION = 256,
        OPTION_JSON,
        OPTION_ORDER,
        OPTION_MAX,
        OPTION_INTERVAL,
        OPTION_COUNT,
        OPTION_OPENMETRICS,
        OPTION_OUTPUT,
        OPTION_NO_ASK_PASSWORD,
        OPTION_FROM,
        OPTION_TO,
        OPTION_NO_WAIT,
        OPTION_OVERRIDE_RULES,
};

static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "json", no_argument, NULL, OPTION_JSON },
        { "order", required_argument, NULL, OPTION_ORDER },
        { "max", required_argument, NULL, OPTION_MAX },
        { "interval", required_argument, NULL, OPTION_INTERVAL },
        { "count", required_argument, NULL, OPTION_COUNT },
        { "openmetrics", no_argument, NULL, OPTION_OPENMETRICS },
        { "output", required_argument, NULL, OPTION_OUTPUT },
        { "from", required_argument, NULL, OPTION_FROM },
        { "to", required_argument, NULL, OPTION_TO },
        { "no-wait", no_argument, NULL, OPTION_NO_WAIT },
        { "override-rules", no_argument, NULL, OPTION_OVERRIDE_RULES },
        { "no-ask-password", no_argument, NULL, OPTION_NO_ASK_PASSWORD },
        { 0 },
};

static void print_help(void) {
        printf("numabalancerctl [OPTIONS] COMMAND\n\nAsk or control numabalancerd.\n\nCommands:\n");
        for (const Verb *v = verb_table; v->name; v++) {
                char left[40];

                snprintf(left, sizeof left, "%s%s%s", v->name, *v->arguments ? " " : "",
                         v->arguments);
                printf("  %-18s %s\n", left, v->help);
        }
        printf("\nOptions:\n"
               "  --json             print JSON\n"
               "  --no-ask-password  fail rather than ask for a password\n"
               "  --order ORDER      order of processes: score, remote, pid\n"
               "  --max N            list at most N processes or jobs (1 to 10000)\n"
               "  --interval TIME    refresh top every TIME (100ms to 1h), 2s by default\n"
               "  --count N          end top after N times\n"
               "  --from NODE        migrate pages of this node only\n"
               "  --to NODE          migrate to this node, else to where the process runs\n"
               "  --no-wait          do not wait for the end of the move\n"
               "  --override-rules   migrate also against rules and mode observe\n"
               "  --openmetrics      print metrics in the OpenMetrics format\n"
               "  --output FILE      write metrics to FILE, replacing it at once\n"
               "  -h, --help         show this help\n"
               "  --version          show the version\n"
               "\nSee numabalancerctl(1).\n");
}

static unsigned terminal_width(void) {
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
                return size.ws_col;
        return 80;
}

/* Colours only where a person sees them; NO_COLOR as on no-color.org. */
static bool wants_colour(void) {
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

        return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
               !(no_color && *no_color);
}

static const Verb *find_verb(const char *name) {
        for (const Verb *v = verb_table; v->name; v++)
                if (strcmp(v->name, name) == 0)
                        return v;
        return NULL;
}

static bool check_verb(const Options *o) {
        const Verb *v = find_verb(o->verb);

        if (!v) {
                fprintf(stderr, "There is no command %s; see numabalancerctl --help.\n", o->verb);
                return false;
        }
        if (o->n_args < v->min_args || o->n_args > v->max_args) {
                fprintf(stderr, "Usage: numabalancerctl %s %s\n", v->name, v->arguments);
                return false;
        }
        return true;
}

/* A number from 1 to max. */
static bool take_number(const char *name, uint64_t max, uint32_t *ret) {
        uint64_t n;

        if (parse_u64(optarg, max, &n) < 0 || n == 0) {
                fprintf(stderr, "--%s must be a number from 1 to %llu.\n", name,
                        (unsigned long long)max);
                return false;
        }
        *ret = (uint32_t)n;
        return true;
}

/* Node ids of the kernel are below 1024. */
static bool take_node(const char *name, int32_t *ret) {
        uint64_t n;

        if (parse_u64(optarg, 1023, &n) < 0) {
                fprintf(stderr, "--%s must be the number of a node.\n", name);
                return false;
        }
        *ret = (int32_t)n;
        return true;
}

static bool take_interval(uint64_t *ret_ns) {
        uint64_t ns;

        if (parse_duration(optarg, &ns) < 0 || ns < UINT64_C(100000000) ||
            ns > UINT64_C(3600000000000)) {
                fprintf(stderr, "--interval must be a time from 100ms to 1h.\n");
                return false;
        }
        *ret_ns = ns;
        return true;
}

/* One option; false after an error that was printed. */
static bool take_option(Options *o, int option) {
        switch (option) {
        case OPTION_JSON:
                o->json = true;
                return true;
        case OPTION_ORDER:
                o->order = optarg;
                if (process_order_from_string(optarg) >= 0)
                        return true;
                fprintf(stderr, "--order must be score, remote or pid.\n");
                return false;
        case OPTION_MAX:
                return take_number("max", 10000, &o->max);
        case OPTION_INTERVAL:
                return take_interval(&o->interval_ns);
        case OPTION_COUNT:
                return take_number("count", UINT32_MAX, &o->count);
        case OPTION_FROM:
                return take_node("from", &o->from);
        case OPTION_TO:
                return take_node("to", &o->to);
        case OPTION_NO_WAIT:
                o->no_wait = true;
                return true;
        case OPTION_OVERRIDE_RULES:
                o->override_rules = true;
                return true;
        case OPTION_NO_ASK_PASSWORD:
                o->no_ask_password = true;
                return true;
        case OPTION_OPENMETRICS:
                o->openmetrics = true;
                return true;
        case OPTION_OUTPUT:
                o->output = optarg;
                return true;
        default:
                fprintf(stderr, "See numabalancerctl --help.\n");
                return false;
        }
}

bool options_parse(Options *ret, int argc, char **argv, ExitCode *ret_code) {
        Options o = { .order = "",
                      .from = -1,
                      .to = -1,
                      .interval_ns = UINT64_C(2000000000),
                      .colour = wants_colour(),
                      .width = terminal_width() };
        int option;

        while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
                if (option == 'h' || option == OPTION_VERSION) {
                        if (option == 'h')
                                print_help();
                        else
                                printf("numabalancerctl %s\n", NUMABALANCER_VERSION);
                        *ret_code = fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
                        return false;
                }
                if (!take_option(&o, option)) {
                        *ret_code = EXIT_USAGE;
                        return false;
                }
        }
        o.verb = optind < argc ? argv[optind] : "status";
        o.args = argv + (optind < argc ? optind + 1 : optind);
        o.n_args = argc - (optind < argc ? optind + 1 : optind);
        if (!check_verb(&o)) {
                *ret_code = EXIT_USAGE;
                return false;
        }
        *ret = o;
        return true;
}
