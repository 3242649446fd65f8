/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ctl/exit_codes.h"

/* The command line, as far as it is not the verb's own. */
typedef struct Options {
        bool json;
        bool colour;          /* stdout is a terminal that wants it */
        uint32_t max;         /* --max, 0 = the daemon's default */
        int32_t from;         /* --from, -1 = all other nodes */
        int32_t to;           /* --to, -1 = the daemon chooses */
        bool no_wait;         /* --no-wait */
        bool override_rules;  /* --override-rules */
        bool no_ask_password; /* --no-ask-password */
        bool openmetrics;     /* --openmetrics */
        const char *output;   /* --output, NULL = stdout */
        uint64_t interval_ns; /* --interval of top */
        uint32_t count;       /* --count of top, 0 = without end */
        const char *order;    /* --order, "" = the daemon's default */
        unsigned width;       /* columns of the terminal, 80 without one */
        const char *verb;
        char **args; /* what follows the verb */
        int n_args;
} Options;

/* Parses the command line. Returns true when a verb is to be run; else *ret_code is the exit code
 * (after --help, --version, or a usage error that was printed). */
bool options_parse(Options *ret, int argc, char **argv, ExitCode *ret_code);

/* A verb: `min_args` to `max_args` arguments. */
typedef struct Verb {
        const char *name;
        const char *arguments; /* as the help shows them */
        const char *help;
        int min_args;
        int max_args;
        ExitCode (*run)(const Options *o);
} Verb;

/* All verbs; ends with a NULL name. */
extern const Verb verb_table[];
