/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "config/apply.h"
#include "config/text.h"

#define DROPINS_MAX 256

/* What is gathered over all files. Paths live until the end because origins point at them. */
typedef struct Load {
        Settings settings;
        SettingOrigin *origins;
        Rules *rules;      /* of the drop-ins, in the end of all */
        Rules *main_rules; /* of the file */
        char *paths[1 + DROPINS_MAX];
        size_t n_paths;
        ConfigError error;
} Load;

static void load_done(Load *load) {
        for (size_t i = 0; i < load->n_paths; i++)
                free(load->paths[i]);
        free(load->origins);
        rules_free(load->rules);
        rules_free(load->main_rules);
        free(load->error.message);
}

/* Shows the line that libconfig stumbled over, so that a person need not open the file. Where that
 * is the end, the last line is named. */
static int refuse_syntax(const char *path, const char *text, const config_t *config,
                         ConfigError *error) {
        int at = config_error_line(config);
        const char *words = config_error_text(config) ?: "syntax error";
        unsigned line = 1;
        size_t length;

        for (const char *next; (int)line < at && (next = strchr(text, '\n')) && next[1]; line++)
                text = next + 1;
        if ((int)line < at)
                return config_error(error, -EBADMSG, path, line, "%s: the file ends too early",
                                    words);
        text += strspn(text, " \t");
        length = strcspn(text, "\n");
        return config_error(error, -EBADMSG, path, line, "%s at or before: %.*s", words,
                            (int)(length < 100 ? length : 100), text);
}

static int load_file(Load *load, const char *path, Rules *rules) {
        cleanup_free char *text = NULL, *prepared = NULL;
        config_t config;
        int r;

        r = text_read(path, &text, &load->error);
        if (r < 0)
                return r;
        r = text_prepare(path, text, &prepared, &load->error);
        if (r < 0)
                return r;
        config_init(&config);
        if (config_read_string(&config, prepared) == CONFIG_TRUE)
                r = apply_tree(path, config_root_setting(&config), &load->settings, load->origins,
                               rules, &load->error);
        else
                r = refuse_syntax(path, text, &config, &load->error);
        config_destroy(&config);
        return r;
}

static int select_dropin(const struct dirent *entry) {
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 &&
               strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int compare_bytes(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_masked(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static int load_dropin(Load *load, const char *directory, const char *name) {
        char *path;
        int r;

        if (load->n_paths == sizeof(load->paths) / sizeof(load->paths[0]))
                return config_error(&load->error, -E2BIG, directory, 0, "more than %d files",
                                    DROPINS_MAX);
        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        load->paths[load->n_paths++] = path;
        if (is_masked(path))
                return 0;
        r = load_file(load, path, load->rules);
        if (r == -ENOENT)
                return config_error(&load->error, -EACCES, path, 0,
                                    "cannot be read: it vanished or is a dangling link");
        return r;
}

static int load_dropins(Load *load, const char *path) {
        cleanup_free char *directory = NULL;
        struct dirent **entries;
        int n, r = 0;

        if (asprintf(&directory, "%s.d", path) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        n = scandir(directory, &entries, select_dropin, compare_bytes);
        if (n < 0) {
                r = -errno;
                if (r == -ENOENT)
                        return 0;
                if (r == -ENOTDIR)
                        return config_error(&load->error, -ENOTSUP, directory, 0,
                                            "is no directory");
                return config_error(&load->error, r, directory, 0, "cannot be read: %s",
                                    strerror(-r));
        }
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = load_dropin(load, directory, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* Moves the rules of the file behind those of the drop-ins. */
static int join_rules(Load *load) {
        Rules *from = load->main_rules, *to = load->rules;

        if (from->n > RULES_MAX - to->n)
                return config_error(&load->error, -EBADMSG, load->paths[0], 0,
                                    "rules: more than %d rules with those of the drop-ins",
                                    RULES_MAX);
        memcpy(to->rule + to->n, from->rule, from->n * sizeof(from->rule[0]));
        to->n += from->n;
        from->n = 0;
        return 0;
}

static int load_all(Load *load, const char *path, bool required, bool *ret_missing) {
        size_t n;
        int r;

        settings_infos(&n);
        load->origins = calloc(n, sizeof(*load->origins));
        load->paths[0] = strdup(path);
        load->rules = rules_new();
        load->main_rules = rules_new();
        if (!load->origins || !load->paths[0] || !load->rules || !load->main_rules)
                return -ENOMEM;
        load->n_paths = 1;
        settings_init(&load->settings);
        r = load_file(load, load->paths[0], load->main_rules);
        *ret_missing = r == -ENOENT;
        if (r == -ENOENT && required)
                return config_error(&load->error, r, path, 0, "does not exist");
        if (r < 0 && r != -ENOENT)
                return r;
        r = load_dropins(load, path);
        if (r < 0)
                return r;
        r = join_rules(load);
        if (r < 0)
                return r;
        return apply_check(&load->settings, load->origins, &load->error);
}

int config_load(const char *path, bool required, Settings *ret, Rules **ret_rules,
                bool *ret_missing, char **ret_message) {
        Load load = {};
        bool missing = false;
        int r = load_all(&load, path, required, &missing);

        if (r < 0)
                *ret_message = TAKE_PTR(load.error.message);
        else {
                *ret = load.settings;
                if (ret_rules)
                        *ret_rules = TAKE_PTR(load.rules);
                if (ret_missing)
                        *ret_missing = missing;
        }
        load_done(&load);
        return r;
}
