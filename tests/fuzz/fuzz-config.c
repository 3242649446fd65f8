/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <libconfig.h>
#include <string.h>

#include "config/apply.h"
#include "config/config.h"
#include "config/text.h"

/* What is accepted from a text; false when it is refused, always with a message. */
static bool load(const char *text, Settings *settings, Rules *rules) {
        SettingOrigin *origins;
        ConfigError error = {};
        char *prepared = NULL;
        config_t config;
        size_t n;
        int r;

        settings_infos(&n);
        origins = calloc(n, sizeof(*origins));
        settings_init(settings);
        r = text_prepare("file", text, &prepared, &error);
        if (r >= 0) {
                config_init(&config);
                if (config_read_string(&config, prepared) == CONFIG_TRUE) {
                        r = apply_tree("file", config_root_setting(&config), settings, origins,
                                       rules, &error);
                        if (r >= 0)
                                r = apply_check(settings, origins, &error);
                } else
                        r = config_error(&error, -1, "file", 1, "syntax");
                config_destroy(&config);
        }
        FUZZ_CHECK((r < 0) == (error.message != NULL));
        FUZZ_CHECK(r >= 0 || strncmp(error.message, "file:", 5) == 0);
        free(error.message);
        free(prepared);
        free(origins);
        return r >= 0;
}

static char *print(const Settings *settings, const Rules *rules) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        FUZZ_CHECK(f && config_print(f, settings, rules) == 0);
        fclose(f);
        return text;
}

/* Whatever is accepted is printed so that it loads again to the same. */
static void run(const uint8_t *data, size_t size) {
        char *text = fuzz_string(data, size), *printed, *again;
        Rules *rules = rules_new(), *rules_again = rules_new();
        Settings settings, settings_again;

        if (load(text, &settings, rules)) {
                printed = print(&settings, rules);
                FUZZ_CHECK(load(printed, &settings_again, rules_again));
                for (size_t i = 0; i < rules_again->n; i++)
                        rules_again->rule[i].line = rules->rule[i].line;
                again = print(&settings_again, rules_again);
                FUZZ_CHECK(strcmp(printed, again) == 0);
                free(printed);
                free(again);
        }
        rules_free(rules);
        rules_free(rules_again);
        free(text);
}

static const char *const seeds[] = {
        "mode = \"observe\"; sampling: { source = \"auto\"; rate_hz = 97; };\n",
        "// comment\n# another\n/* third */ gates = { min_age = \"1min 30s\"; min_rss = \"64M\";\n"
        "min_score_percent = 2.5; min_stall = \"10ms\"; };\n",
        "migration: { passes = 0x10; backoff = \"1s\"; backoff_max = \"5min\"; cpu_percent = 5L; "
        "benefit_ratio = 1.0e-3; };\nnever: { hugetlb = false; locked = TRUE }",
        "rules = ( { unit = \"a\\x2d*\"; mode = \"off\"; }, { comm = \"x\\\"y\"; exe = "
        "\"/usr/[a-z]*\"; "
        "mode = \"act\" } );",
        "distances = ( ( 10, 21, 31 ), ( 21, 10, 17 ), ( 31, 17, 10 ) );\n"
        "rules = ( { user = \"batch\"; mode = \"act\"; bandwidth = \"64M\"; } );",
        "",
        NULL,
};

static const char *const tokens[] = {
        "{",         "}",
        "(",         ")",
        "[",         "]",
        "=",         ";",
        ":",         ",",
        "\"",        "\\",
        "/*",        "*/",
        "//",        "#",
        "\n",        "mode",
        "rules",     "gates",
        "min_age",   "passes",
        "unit",      "\"act\"",
        "distances", "bandwidth",
        "@include ", "true",
        "1e999",     "0x",
        "L",         "-",
        "+",         ".",
        "\"1s\"",    "\\x00",
        "\\x41",     "\n@include \"/dev/zero\"\n",
        "\"0\"",     NULL,
};

const FuzzTarget fuzz_config = { "config", run, seeds, tokens };
