/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include "tempdir.h"

static TempDir dir;

static void begin(void) {
        tempdir_new(&dir);
}

static void end(void) {
        tempdir_free(&dir);
}

TestSuite(config_rules, .init = begin, .fini = end);

static Rules *load(const char *name) {
        char *message = NULL;
        Rules *rules = NULL;
        Settings s;
        int r = config_load(tempdir_path(&dir, name), true, &s, &rules, NULL, &message);

        cr_assert_eq(r, 0, "%d %s", r, message ? message : "");
        cr_assert_not_null(rules);
        return rules;
}

static void expect(const Rules *rules, size_t i, RuleKey key, const char *pattern, RuleMode mode) {
        cr_assert_lt(i, rules->n);
        cr_assert_not_null(rules->rule[i].pattern[key], "rule %zu", i);
        cr_expect_str_eq(rules->rule[i].pattern[key], pattern, "rule %zu", i);
        cr_expect_eq(rules->rule[i].mode, mode, "rule %zu", i);
}

Test(config_rules, reads) {
        Rules *rules;

        tempdir_write(
                &dir, "a.conf",
                "rules = ( { unit = \"postgresql@*.service\"; mode = \"observe\"; },\n"
                "          { exe = \"/usr/bin/qemu*\"; user = \"libvirt-*\"; mode = \"off\"; },\n"
                "          { comm = \"x\"; cgroup = \"/batch.slice/*\"; mode = \"act\";\n"
                "            bandwidth = \"64M\"; } );\n");
        rules = load("a.conf");
        cr_assert_eq(rules->n, 3);
        expect(rules, 0, RULE_KEY_UNIT, "postgresql@*.service", RULE_OBSERVE);
        expect(rules, 1, RULE_KEY_EXE, "/usr/bin/qemu*", RULE_OFF);
        expect(rules, 1, RULE_KEY_USER, "libvirt-*", RULE_OFF);
        expect(rules, 2, RULE_KEY_COMM, "x", RULE_ACT);
        expect(rules, 2, RULE_KEY_CGROUP, "/batch.slice/*", RULE_ACT);
        cr_assert_null(rules->rule[0].pattern[RULE_KEY_EXE]);
        cr_assert_eq(rules->rule[0].bandwidth_bytes, 0);
        cr_assert_eq(rules->rule[2].bandwidth_bytes, 64 << 20);
        cr_assert_eq(rules->rule[2].line, 3);
        cr_assert_str_eq(rules->rule[0].path, tempdir_path(&dir, "a.conf"));
        rules_free(rules);
}

Test(config_rules, none) {
        Rules *rules;

        tempdir_write(&dir, "a.conf", "mode = \"act\";");
        rules = load("a.conf");
        cr_assert_eq(rules->n, 0);
        rules_free(rules);
        tempdir_write(&dir, "a.conf", "rules = ( );");
        rules = load("a.conf");
        cr_assert_eq(rules->n, 0);
        rules_free(rules);
}

/* Drop-ins come first, in the order of their names. */
Test(config_rules, order_of_files) {
        Rules *rules;

        tempdir_write(&dir, "a.conf", "rules = ( { comm = \"main\"; mode = \"off\"; } );");
        tempdir_write(&dir, "a.conf.d/2.conf", "rules = ( { comm = \"two\"; mode = \"off\"; } );");
        tempdir_write(&dir, "a.conf.d/1.conf",
                      "rules = ( { comm = \"one\"; mode = \"off\"; },"
                      "          { comm = \"more\"; mode = \"act\"; } );");
        rules = load("a.conf");
        cr_assert_eq(rules->n, 4);
        expect(rules, 0, RULE_KEY_COMM, "one", RULE_OFF);
        expect(rules, 1, RULE_KEY_COMM, "more", RULE_ACT);
        expect(rules, 2, RULE_KEY_COMM, "two", RULE_OFF);
        expect(rules, 3, RULE_KEY_COMM, "main", RULE_OFF);
        rules_free(rules);
}

Test(config_rules, refuses) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                { "rules = 5;", ":1: rules: it must be a list" },
                { "rules = { };", ":1: rules: it must be a list" },
                { "rules = [ \"a\" ];", ":1: rules: it must be a list" },
                { "rules = ( 5 );", ":1: rules: each rule must be a group" },
                { "rules = (\n{ mode = \"off\"; } );", ":2: rules: a rule without a pattern" },
                { "rules = ( { } );", ":1: rules: a rule without a pattern" },
                { "rules = ( { comm = \"x\"; } );", ":1: rules: a rule without mode" },
                { "rules = ( { comm = \"x\"; mode = \"on\"; } );", ":1: rules.mode: it must be" },
                { "rules = ( { comm = \"x\"; mode = \"default\"; } );", "rules.mode: it must be" },
                { "rules = ( { comm = \"x\"; mode = 1; } );", ":1: rules.mode: it must be" },
                { "rules = ( { name = \"x\"; mode = \"off\"; } );",
                  ":1: rules.name: unknown key; known are unit, cgroup, user, exe, comm, mode, "
                  "bandwidth" },
                { "rules = ( { comm = \"\"; mode = \"off\"; } );",
                  "rules.comm: it must be a shell" },
                { "rules = ( { comm = 5; mode = \"off\"; } );", "rules.comm: it must be a shell" },
                { "rules = ( { comm = \"a\"; comm = \"b\"; mode = \"off\"; } );", "duplicate" },
                { "rules = ( { comm = \"x\"; mode = \"act\"; bandwidth = 64; } );",
                  "rules.bandwidth: it must be a size with unit (B, K, M, G, T) from \"1M\" to "
                  "\"1T\"" },
                { "rules = ( { comm = \"x\"; mode = \"act\"; bandwidth = \"1K\"; } );",
                  "rules.bandwidth" },
                { "rules = ( { comm = \"x\"; mode = \"act\"; bandwidth = \"2T\"; } );",
                  "rules.bandwidth" },
                { "rules = ( { comm = \"x\";\n mode = \"off\"; bandwidth = \"1M\"; } );",
                  ":1: rules: bandwidth has no meaning" },
                { "gates: { rules = ( ); };", ":1: gates.rules: unknown key" },
                { "rule = ( );", "known are mode, " },
        };
        Rules *rules = NULL;
        Settings s;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *path = tempdir_write(&dir, "a.conf", rows[i].text);
                char *message = NULL;
                int r = config_load(path, true, &s, &rules, NULL, &message);

                cr_expect_eq(r, -EBADMSG, "<%s>: %d", rows[i].text, r);
                cr_assert(message && strstr(message, rows[i].words), "<%s>: %s", rows[i].text,
                          message ? message : "no message");
                cr_expect_null(rules);
                free(message);
        }
}

static char *many_rules(int n) {
        char *text = malloc((size_t)n * 40 + 40);
        char *p = text + sprintf(text, "rules = (");

        for (int i = 0; i < n; i++)
                p += sprintf(p, "%s{ comm = \"c%d\"; mode = \"off\"; }", i ? "," : "", i);
        strcpy(p, ");");
        return text;
}

Test(config_rules, limits) {
        char *text = many_rules(RULES_MAX), *message = NULL;
        Rules *rules;
        Settings s;

        tempdir_write(&dir, "a.conf", text);
        rules = load("a.conf");
        cr_assert_eq(rules->n, RULES_MAX);
        rules_free(rules);
        tempdir_write(&dir, "a.conf.d/1.conf", "rules = ( { comm = \"x\"; mode = \"off\"; } );");
        cr_assert_eq(config_load(tempdir_path(&dir, "a.conf"), true, &s, NULL, NULL, &message),
                     -EBADMSG);
        cr_assert_not_null(strstr(message, "more than 256 rules"), "%s", message);
        free(message);
        free(text);
        message = NULL;
        text = many_rules(RULES_MAX + 1);
        tempdir_write(&dir, "b.conf", text);
        cr_assert_eq(config_load(tempdir_path(&dir, "b.conf"), true, &s, NULL, NULL, &message),
                     -EBADMSG);
        cr_assert_not_null(strstr(message, "more than 256 rules"), "%s", message);
        free(message);
        free(text);
}

Test(config_rules, print_round_trips) {
        static const char *const patterns[] = {
                "plain*",         "with \"quotes\"", "back\\slash \\x2d",
                "new\nline\ttab", "\x01\x7f",        "gr\xc3\xbc\xc3\x9f \xff",
        };
        Rules *rules = rules_new(), *back;
        Settings s;
        FILE *f;

        settings_init(&s);
        for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
                Rule *rule = &rules->rule[rules->n++];

                rule->mode = i % 2 ? RULE_OFF : RULE_ACT;
                rule->bandwidth_bytes = i % 2 ? 0 : 1234567 + i;
                rule->pattern[RULE_KEY_COMM] = strdup(patterns[i]);
                rule->path = strdup("/a\nrules");
        }
        f = fopen(tempdir_path(&dir, "printed.conf"), "we");
        cr_assert_eq(config_print(f, &s, rules), 0);
        fclose(f);
        back = load("printed.conf");
        cr_assert_eq(back->n, rules->n);
        for (size_t i = 0; i < rules->n; i++) {
                expect(back, i, RULE_KEY_COMM, patterns[i], rules->rule[i].mode);
                cr_expect_eq(back->rule[i].bandwidth_bytes, rules->rule[i].bandwidth_bytes);
        }
        rules_free(rules);
        rules_free(back);
}
