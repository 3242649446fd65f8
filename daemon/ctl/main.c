/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ctl/options.h"

int main(int argc, char **argv) {
        ExitCode code;
        Options o;

        setlocale(LC_CTYPE, "");
        if (!options_parse(&o, argc, argv, &code))
                return code;
        for (const Verb *v = verb_table; v->name; v++)
                if (strcmp(v->name, o.verb) == 0) {
                        code = v->run(&o);
                        break;
                }
        /* A full disk must not look like success. */
        if (fflush(stdout) != 0 || ferror(stdout)) {
                perror("numabalancerctl");
                return EXIT_FAILED;
        }
        return code;
}
