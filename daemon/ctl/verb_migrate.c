/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/verb_migrate.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/human.h"
#include "base/mathx.h"
#include "base/parse.h"
#include "ctl/agent.h"
#include "ctl/client.h"
#include "ctl/json.h"
#include "ctl/output.h"

#define POLL_MSEC 300

/* MigrateFlags of the interface. */
#define MIGRATE_OVERRIDE_RULES UINT64_C(1)

static json_object *find_job(json_object *rows, uint64_t job) {
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                if (json_u64(row, "job") == job)
                        return row;
        }
        return NULL;
}

/* One line that is written over and over; nothing where no person looks on. */
static void show_progress(json_object *row) {
        uint64_t planned = json_u64(row, "pages_planned"), moved = json_u64(row, "pages_moved");

        if (!isatty(STDERR_FILENO))
                return;
        fprintf(stderr, "\r%s %" PRIu64 " of %" PRIu64 " pages (%s), %s, pass %" PRIu64 " \033[K",
                output_bar((char[OUTPUT_BAR_BYTES]) { 0 },
                           ratio_or((double)moved, (double)planned, 0)),
                moved, planned, HUMAN_SHARE(ratio_or((double)moved, (double)planned, 0)),
                json_text(row, "state"), json_u64(row, "passes"));
}

/* Waits until the job is no longer among the unfinished ones. */
static ExitCode wait_for_job(Client *c, uint64_t job) {
        for (;;) {
                cleanup_json json_object *jobs = NULL;
                ExitCode code = client_call(c, &jobs, "ListJobs", NULL);
                json_object *row;

                if (code != EXIT_DONE)
                        return code;
                row = find_job(jobs, job);
                if (!row)
                        break;
                show_progress(row);
                (void)poll(NULL, 0, POLL_MSEC);
        }
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        return EXIT_DONE;
}

/* What came of the job, and the exit code for that. */
static ExitCode tell_result(Client *c, const Options *o, uint64_t job) {
        cleanup_json json_object *migrations = NULL;
        json_object *row;
        ExitCode code;

        code = client_call(c, &migrations, "ListMigrations", "u", 0u);
        if (code != EXIT_DONE)
                return code;
        row = find_job(migrations, job);
        if (!row) {
                fprintf(stderr, "The daemon no longer knows what became of job %" PRIu64 ".\n",
                        job);
                return EXIT_FAILED;
        }
        if (o->json)
                puts(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PRETTY |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
        else
                printf("%s[%" PRIu64 "] %s: %s to node%" PRIi64 " in %s, %" PRIu64
                       " pages failed, %" PRIu64 " still busy\n",
                       json_text(row, "comm"), json_u64(row, "pid"),
                       output_reason(json_text(row, "reason")),
                       HUMAN_SIZE(json_u64(row, "bytes_moved")), json_i64(row, "to_node"),
                       HUMAN_TIME(mul_sat(json_u64(row, "duration_usec"), 1000)),
                       json_u64(row, "pages_failed"), json_u64(row, "pages_retry"));
        if (strcmp(json_text(row, "reason"), "done") == 0 ||
            strcmp(json_text(row, "reason"), "nothing-to-do") == 0)
                return EXIT_DONE;
        return json_u64(row, "pages_moved") ? EXIT_REFUSED : EXIT_FAILED;
}

ExitCode verb_migrate(const Options *o) {
        cleanup_json json_object *answer = NULL;
        cleanup(agent_stop) pid_t agent = 0;
        cleanup(client_close) Client c = { 0 };
        uint64_t pid, job;
        ExitCode code;

        if (parse_u64(o->args[0], INT_MAX, &pid) < 0 || pid == 0) {
                fprintf(stderr, "%s is no process id.\n", o->args[0]);
                return EXIT_USAGE;
        }
        code = client_open(&c);
        if (code != EXIT_DONE)
                return code;
        c.ask_password = !o->no_ask_password;
        if (c.ask_password)
                agent = agent_start();
        code = client_call(&c, &answer, "Migrate", "utiit", (uint32_t)pid, UINT64_C(0), o->from,
                           o->to, o->override_rules ? MIGRATE_OVERRIDE_RULES : UINT64_C(0));
        if (code != EXIT_DONE)
                return code;
        job = json_object_get_uint64(answer);
        if (o->no_wait) {
                if (o->json)
                        printf("{ \"job\": %" PRIu64 " }\n", job);
                else
                        printf("job %" PRIu64 "\n", job);
                return EXIT_DONE;
        }
        code = wait_for_job(&c, job);
        return code == EXIT_DONE ? tell_result(&c, o, job) : code;
}
