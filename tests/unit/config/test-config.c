/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include "tempdir.h"

#include <fcntl.h>
#include <sys/wait.h>

#define N(array) (sizeof(array) / sizeof(array[0]))

static TempDir dir;

static void begin(void) {
        tempdir_new(&dir);
}

static void end(void) {
        tempdir_free(&dir);
}

TestSuite(config, .init = begin, .fini = end);

/* Loads PATH, which must succeed. */
static Settings load(const char *path) {
        char *message = NULL;
        Settings s = {};
        int r = config_load(path, true, &s, NULL, NULL, &message);

        cr_assert_eq(r, 0, "%s: %d %s", path, r, message ? message : "");
        cr_assert_null(message);
        return s;
}

/* Loads text, which must fail; the message must begin with "PATH:LINE: " (PATH: for line 0) and hold
 * both parts. */
static void refuse(const char *text, int result, unsigned line, const char *part,
                   const char *other) {
        const char *path = tempdir_write(&dir, "bad.conf", text);
        char *message = NULL, start[PATH_MAX + 16];
        Settings s, before;
        bool missing = true;
        int r;

        memset(&s, 0x5a, sizeof(s));
        before = s;
        r = config_load(path, true, &s, NULL, &missing, &message);
        cr_expect_eq(r, result, "<%s>: result %d (%s)", text, r, message ? message : "");
        if (r >= 0)
                return;
        cr_expect_eq(memcmp(&s, &before, sizeof(s)), 0, "<%s>: result written", text);
        cr_expect(missing, "<%s>: ret_missing written", text);
        cr_assert_not_null(message, "<%s>: no message", text);
        if (line)
                snprintf(start, sizeof(start), "%s:%u: ", path, line);
        else
                snprintf(start, sizeof(start), "%s: ", path);
        cr_expect_eq(strncmp(message, start, strlen(start)), 0, "<%s>: %s", text, message);
        cr_expect(strstr(message, part) && strstr(message, other), "<%s>: %s", text, message);
        free(message);
}

static void expect_equal(const Settings *a, const Settings *b) {
#define SETTING_EQUAL(group, key, type, member, def, min, max, meaning)                            \
        cr_expect_eq(a->member, b->member, "%s.%s differs", group, key);
        SETTINGS_TABLE(SETTING_EQUAL)
#undef SETTING_EQUAL
}

Test(config, empty_file_gives_defaults) {
        Settings s = load(tempdir_write(&dir, "empty.conf", "")), defaults;

        settings_init(&defaults);
        expect_equal(&s, &defaults);
}

Test(config, reads_every_type) {
        Settings s = load(tempdir_write(&dir, "a.conf",
                                        "// comment\n"
                                        "mode = \"observe\"; # another {\n"
                                        "/* a third: rate_hz = 99999999999; */\n"
                                        "sampling = { source = \"clock\"; rate_hz = 0x10L; };\n"
                                        "gates: { min_age = \"1min 30s\"; min_rss = \"1536K\";\n"
                                        "         min_score_percent = 3;\n"
                                        "         min_remote_percent = 2.5e1; };\n"
                                        "never: { hugetlb = false; realtime = TRUE; }\n"));

        cr_assert_eq(s.mode, MODE_OBSERVE);
        cr_assert_eq(s.source, SOURCE_CLOCK);
        cr_assert_eq(s.rate_hz, 16);
        cr_assert_eq(s.min_age_ns, 90 * NSEC_PER_SEC);
        cr_assert_eq(s.min_rss_bytes, 1536 * 1024);
        cr_assert_eq(s.min_score_percent, 3.0, "an integer serves as float");
        cr_assert_eq(s.min_remote_percent, 25.0);
        cr_assert(!s.never_hugetlb);
        cr_assert(s.never_realtime);
        cr_assert_eq(s.min_stall_ns, 10 * NSEC_PER_MSEC, "what is not given keeps its default");
}

Test(config, refuses) {
        static const struct {
                const char *text;
                unsigned line;
                const char *part, *other;
        } rows[] = {
                /* unknown keys and groups: what is known is named */
                { "\nmoode = \"act\";", 2, "moode: unknown key", "mode" },
                { "sampling: {\n rate = 5; };", 2, "sampling.rate: unknown key", "rate_hz" },
                { "sampler: { };", 1, "sampler: unknown group", "sampling, gates" },
                { "rate_hz = 5;", 1, "rate_hz: unknown key", "known are mode, " },
                /* wrong types */
                { "mode = 1;", 1, "mode: 1 is not allowed", "act, observe" },
                { "mode: { };", 1, "mode: a group is not allowed", "act, observe" },
                { "mode = [ \"act\" ];", 1, "mode: an array", "act, observe" },
                { "mode = ( \"act\" );", 1, "mode: a list", "act, observe" },
                { "sampling = 5;", 1, "sampling: 5 is not allowed", "group" },
                { "sampling: { rate_hz = \"97\"; };", 1, "rate_hz: \"97\"", "1 to 10000" },
                { "sampling: { rate_hz = 97.0; };", 1, "rate_hz: 97", "integers" },
                { "sampling: { rate_hz = true; };", 1, "rate_hz: true", "integers" },
                { "gates: { min_rss = 64; };", 1, "min_rss: 64", "sizes with unit" },
                { "gates: { min_age = 10; };", 1, "min_age: 10", "durations with unit" },
                { "gates: { min_score_percent = \"2\"; };", 1, "min_score_percent", "0 to 100" },
                { "never: { hugetlb = 1; };", 1, "hugetlb: 1", "true, false" },
                /* values */
                { "mode = \"Act\";", 1, "mode: \"Act\"", "act, observe" },
                { "mode = \"\";", 1, "mode: \"\"", "act, observe" },
                { "mode = \"\x1b[2J\";", 1, "mode: \"\\x1b[2J\"", "act, observe" },
                { "kernel_balancing = \"on\";", 1, "kernel_balancing: \"on\"",
                  "leave, off, sample" },
                { "sampling: { source = \"none\"; };", 1, "source: \"none\"", "auto, clock" },
                { "sampling: { rate_hz = 0; };", 1, "rate_hz: 0", "1 to 10000" },
                { "sampling: { rate_hz = 10001; };", 1, "rate_hz: 10001", "1 to 10000" },
                { "sampling: { rate_hz = -97; };", 1, "rate_hz: -97", "1 to 10000" },
                /* integers that libconfig 1.5 would wrap into the range */
                { "sampling: { rate_hz = 4294967301; };", 1, "rate_hz: 4294967301", "1 to 10000" },
                { "sampling: { rate_hz = 4294967301L; };", 1, "rate_hz: 4294967301", "10000" },
                { "sampling: { rate_hz = 0x100000005; };", 1, "rate_hz: 4294967301", "10000" },
                { "sampling: { rate_hz = 18446744073709551621; };", 1,
                  "rate_hz: 9223372036854775807", "10000" },
                { "sampling: { rate_hz = -4294967291; };", 1, "rate_hz: -4294967291", "10000" },
                { "gates: { min_score_percent = 4294967301; };", 1, "4294967301", "0 to 100" },
                { "gates: { min_score_percent = 1.0e999; };", 1, "inf is not allowed", "0 to 100" },
                { "gates: { min_score_percent = -0.1; };", 1, "-0.1 is not allowed", "0 to 100" },
                { "gates: { min_score_percent = nan; };", 1, "syntax error", "nan" },
                { "gates: { min_score_percent = .; };", 1, "number without digits", "" },
                { "gates: { min_rss = \"64m\"; };", 1, "\"64m\"", "\"1T\"" },
                { "gates: { min_rss = \"2T\"; };", 1, "\"2T\"", "\"1T\"" },
                { "gates: { min_age = \"2d\"; };", 1, "\"2d\"", "\"1d\"" },
                { "migration: { backoff = \"1ms\"; };", 1, "\"1ms\"", "\"10ms\"" },
                { "migration: {\n backoff = \"10min\"; };", 2, "migration.backoff_max: \"5min\"",
                  "\"10min\"" },
                { "migration: { backoff = \"2s\";\n backoff_max = \"1s\"; };", 2, "backoff_max",
                  "\"2s\"" },
                { "migration: { bandwidth = \"2G\"; };", 1, "bandwidth_max: \"1280M\"", "\"2G\"" },
                { "migration: { method = \"numa\"; };", 1, "method: \"numa\"", "migrate_pages" },
                /* syntax, with the line at fault */
                { "mode = \"act\";\nmode = \"act\";", 2, "duplicate setting name",
                  "mode = \"act\"" },
                { "gates: { };\ngates: { };", 2, "duplicate setting name", "gates" },
                { "mode = \"act", 1, "string without end", "" },
                { "\"", 1, "string without end", "" },
                { "mode = \"act\\", 1, "string without end", "" },
                { "\n/* mode", 2, "comment without end", "" },
                { "gates: { min_age = \"1s\";", 1, "syntax error", "" },
                { "gates: {\n min_age = \"1s\"\n", 2, "syntax error", "ends too early" },
                { "mode = ;", 1, "syntax error", "mode = ;" },
                { "mode = \"act\\x00foo\";", 1, "\\x5cx00", "" },
                { "mode", 1, "syntax error", "ends too early" },
                { "= 5", 1, "syntax error", "= 5" },
                { "}", 1, "syntax error", "}" },
                /* includes, which could end the process */
                { "\n@include \"other.conf\"\n", 2, "@include is not supported", "drop-in" },
                { "  @include \"other.conf\"", 1, "@include is not supported", "drop-in" },
                { "mode = \"act\"; @include \"x\"", 1, "@include is not supported", "drop-in" },
                { "/*\n@include \"x\"\n*/", 2, "@include is not supported", "drop-in" },
        };

        for (size_t i = 0; i < N(rows); i++)
                refuse(rows[i].text, -EBADMSG, rows[i].line, rows[i].part, rows[i].other);
}

Test(config, refuses_deep_nesting) {
        char text[4096] = "a = ";

        memset(text + 4, '(', 2000);
        refuse(text, -EBADMSG, 1, "nested too deeply", "");
}

Test(config, refuses_nul_bytes) {
        static const char text[] = "mode = \"act\";\n\0sampling: { rate_hz = 5; };";
        const char *path = tempdir_write_bytes(&dir, "nul.conf", text, sizeof(text) - 1);
        char *message = NULL;
        Settings s;

        cr_assert_eq(config_load(path, true, &s, NULL, NULL, &message), -EBADMSG);
        cr_assert_not_null(strstr(message, "nul.conf:2: NUL byte"), "%s", message);
        free(message);
}

Test(config, size_limit) {
        const size_t limit = 1024 * 1024;
        char *text = malloc(limit + 2), *message = NULL;
        Settings s;

        memset(text, '#', limit + 1);
        tempdir_write_bytes(&dir, "large.conf", text, limit);
        load(tempdir_path(&dir, "large.conf"));
        tempdir_write_bytes(&dir, "large.conf", text, limit + 1);
        cr_assert_eq(config_load(tempdir_path(&dir, "large.conf"), true, &s, NULL, NULL, &message),
                     -EFBIG);
        cr_assert_not_null(strstr(message, "1 MiB"));
        free(message);
        free(text);
}

Test(config, missing_file) {
        const char *path = tempdir_path(&dir, "missing.conf");
        Settings s, defaults;
        char *message = NULL;
        bool missing = false;

        settings_init(&defaults);
        cr_assert_eq(config_load(path, false, &s, NULL, &missing, &message), 0);
        cr_assert(missing);
        expect_equal(&s, &defaults);
        cr_assert_eq(config_load(path, true, &s, NULL, &missing, &message), -ENOENT);
        cr_assert_not_null(strstr(message, "missing.conf: does not exist"));
        free(message);
        tempdir_write(&dir, "missing.conf.d/1.conf", "mode = \"observe\";");
        cr_assert_eq(config_load(path, false, &s, NULL, &missing, &message), 0);
        cr_assert(missing);
        cr_assert_eq(s.mode, MODE_OBSERVE, "drop-ins work alone");
}

/* root reads everything, so a child gives up that right; it tells by its exit status. */
Test(config, unreadable_file) {
        const char *path = tempdir_write(&dir, "secret.conf", "mode = \"act\";");
        int status = 0;
        pid_t child;

        cr_assert_eq(chmod(path, 0), 0);
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
                char *message = NULL;
                Settings s;
                int r;

                if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
                        _exit(2);
                r = config_load(path, false, &s, NULL, NULL, &message);
                _exit(r == -EACCES && message && strstr(message, "secret.conf: cannot be read")
                              ? 0
                              : 1);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(config, no_regular_file, .timeout = 10) {
        char *message = NULL;
        Settings s;

        cr_assert_eq(mkfifo(tempdir_path(&dir, "fifo"), 0644), 0);
        cr_assert_eq(config_load(tempdir_path(&dir, "fifo"), true, &s, NULL, NULL, &message),
                     -ENOTSUP);
        cr_assert_not_null(strstr(message, "no regular file"));
        free(message);
        message = NULL;
        cr_assert_eq(config_load(dir.path, true, &s, NULL, NULL, &message), -ENOTSUP);
        free(message);
        message = NULL;
        cr_assert_eq(config_load("/dev/null", true, &s, NULL, NULL, &message), -ENOTSUP);
        free(message);
}

Test(config, dropins) {
        Settings s;

        tempdir_write(&dir, "a.conf",
                      "mode = \"observe\"; sampling: { rate_hz = 1; };\n"
                      "migration: { passes = 1; cpu_percent = 1; };");
        /* byte order: "10" before "9", upper case before lower */
        tempdir_write(&dir, "a.conf.d/10.conf", "sampling: { rate_hz = 10; };");
        tempdir_write(&dir, "a.conf.d/9.conf", "sampling: { rate_hz = 9; };");
        tempdir_write(&dir, "a.conf.d/Z.conf", "migration: { passes = 26; };");
        tempdir_write(&dir, "a.conf.d/a.conf", "migration: { passes = 27; };");
        /* not read: other suffix, hidden, masked */
        tempdir_write(&dir, "a.conf.d/z.conf~", "nonsense");
        tempdir_write(&dir, "a.conf.d/.z.conf", "nonsense");
        tempdir_write(&dir, "a.conf.d/.conf", "nonsense");
        cr_assert_eq(symlink("/dev/null", tempdir_path(&dir, "a.conf.d/zz.conf")), 0);
        s = load(tempdir_path(&dir, "a.conf"));
        cr_assert_eq(s.mode, MODE_OBSERVE);
        cr_assert_eq(s.rate_hz, 9);
        cr_assert_eq(s.passes, 27);
        cr_assert_eq(s.cpu_percent, 1, "a group in a drop-in leaves its other keys alone");
}

Test(config, bad_dropins) {
        const char *path = tempdir_write(&dir, "a.conf", "mode = \"act\";");
        char *message = NULL;
        Settings s;

        tempdir_write(&dir, "a.conf.d/1.conf", "\n\nmode = 5;");
        cr_assert_eq(config_load(path, true, &s, NULL, NULL, &message), -EBADMSG);
        cr_assert_not_null(strstr(message, "a.conf.d/1.conf:3: mode: 5"), "%s", message);
        free(message);
        message = NULL;
        tempdir_write(&dir, "a.conf.d/1.conf", "");
        cr_assert_eq(symlink("nowhere", tempdir_path(&dir, "a.conf.d/2.conf")), 0);
        cr_assert_eq(config_load(path, true, &s, NULL, NULL, &message), -EACCES);
        cr_assert_not_null(strstr(message, "2.conf: cannot be read"), "%s", message);
        free(message);
        message = NULL;
        path = tempdir_write(&dir, "b.conf", "");
        tempdir_write(&dir, "b.conf.d", "");
        cr_assert_eq(config_load(path, true, &s, NULL, NULL, &message), -ENOTSUP);
        cr_assert_not_null(strstr(message, "b.conf.d: is no directory"), "%s", message);
        free(message);
}

Test(config, too_many_dropins) {
        char *message = NULL, name[64];
        Settings s;

        tempdir_write(&dir, "a.conf", "");
        for (int i = 0; i < 257; i++) {
                snprintf(name, sizeof(name), "a.conf.d/%d.conf", i);
                tempdir_write(&dir, name, "");
        }
        cr_assert_eq(config_load(tempdir_path(&dir, "a.conf"), true, &s, NULL, NULL, &message),
                     -E2BIG);
        cr_assert_not_null(strstr(message, "256"));
        free(message);
}

static Settings print_and_load(const Settings *s) {
        FILE *f = fopen(tempdir_path(&dir, "printed.conf"), "we");
        Rules *rules = rules_new();

        cr_assert_not_null(rules);
        cr_assert_not_null(f);
        cr_assert_eq(config_print(f, s, rules), 0);
        cr_assert_eq(fclose(f), 0);
        rules_free(rules);
        return load(tempdir_path(&dir, "printed.conf"));
}

Test(config, print_round_trips) {
        Settings defaults, s, back;

        settings_init(&defaults);
        back = print_and_load(&defaults);
        expect_equal(&back, &defaults);

        /* every setting away from its default */
        s = defaults;
        s.mode = MODE_OBSERVE;
        s.source = SOURCE_CLOCK;
        s.rate_hz = 10000;
        s.min_age_ns = 1234567891;
        s.min_rss_bytes = 123456789;
        s.min_score_percent = 0.1 + 0.2;
        s.min_stall_ns = 1;
        s.min_remote_percent = 1e-7;
        s.method = METHOD_MOVE_PAGES;
        s.bandwidth_bytes = 1234567;
        s.bandwidth_max_bytes = 1ull << 40;
        s.pause_budget_ns = 0;
        s.cpu_percent = 1;
        s.passes = 100;
        s.backoff_ns = 10 * NSEC_PER_MSEC;
        s.backoff_max_ns = 90 * NSEC_PER_SEC;
        s.cooldown_ns = 0;
        s.benefit_ratio = 1000;
        s.never_hugetlb = s.never_realtime = s.never_locked = s.never_cpuless = false;
        back = print_and_load(&s);
        expect_equal(&back, &s);
}

Test(config, print_tells_broken_streams) {
        FILE *f = fopen("/dev/full", "we");
        Rules *rules = rules_new();
        Settings s;

        settings_init(&s);
        cr_assert_not_null(f);
        cr_assert_eq(config_print(f, &s, rules), -EIO);
        fclose(f);
        rules_free(rules);
}

/* The file that is installed says what the defaults are. */
Test(config, shipped_file_holds_the_defaults) {
        Settings s = load(SOURCE_ROOT "/conf/numabalancer.conf"), defaults;

        settings_init(&defaults);
        expect_equal(&s, &defaults);
}
