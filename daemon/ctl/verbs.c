/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mathx.h"
#include "base/parse.h"
#include "ctl/agent.h"
#include "ctl/client.h"
#include "ctl/json.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/top.h"
#include "ctl/verb_metrics.h"
#include "ctl/verb_migrate.h"
#include "ctl/verb_report.h"
#include "model/limits.h"

#define cleanup_client cleanup(client_close)

static ExitCode print_json(json_object *o) {
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
        return EXIT_DONE;
}

/* The daemon's answer is not what this version of the tool understands. */
static ExitCode bad_answer(void) {
        fprintf(stderr, "The daemon's answer cannot be understood; do the versions match?\n");
        return EXIT_FAILED;
}

static ExitCode verb_status(const Options *o) {
        cleanup_json json_object *properties = NULL, *stats = NULL, *jobs = NULL;
        cleanup_client Client c = { 0 };
        ExitCode code;

        if ((code = client_open(&c)) != EXIT_DONE ||
            (code = client_properties(&c, &properties)) != EXIT_DONE ||
            (code = client_call(&c, &stats, "GetStats", NULL)) != EXIT_DONE ||
            (code = client_call(&c, &jobs, "ListJobs", NULL)) != EXIT_DONE)
                return code;
        if (!json_object_is_type(properties, json_type_object))
                return bad_answer();
        if (o->json) {
                if (json_object_object_add(properties, "Stats", TAKE_PTR(stats)) < 0 ||
                    json_object_object_add(properties, "Jobs", TAKE_PTR(jobs)) < 0)
                        return EXIT_FAILED;
                return print_json(properties);
        }
        output_status(stdout, properties, stats, jobs, clock_realtime_usec(), o->colour);
        return EXIT_DONE;
}

/* Opens a connection for one question; the answer must be of this type. */
static ExitCode ask(json_object **ret, enum json_type type, const char *method, const char *types,
                    ...) {
        cleanup_json json_object *answer = NULL;
        cleanup_client Client c = { 0 };
        ExitCode code;
        va_list ap;

        if ((code = client_open(&c)) != EXIT_DONE)
                return code;
        va_start(ap, types);
        code = client_callv(&c, &answer, method, types, ap);
        va_end(ap);
        if (code != EXIT_DONE)
                return code;
        if (!json_object_is_type(answer, type))
                return bad_answer();
        *ret = TAKE_PTR(answer);
        return EXIT_DONE;
}

static ExitCode verb_processes(const Options *o) {
        cleanup_json json_object *rows = NULL;
        ExitCode code = ask(&rows, json_type_array, "ListProcesses", "us", o->max, o->order);

        if (code != EXIT_DONE)
                return code;
        if (o->json)
                return print_json(rows);
        return output_processes(stdout, rows, o->colour) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* Asks about the process that the command line names. */
static ExitCode ask_process(const Options *o, json_object **ret, enum json_type type,
                            const char *method) {
        uint64_t pid;

        if (parse_u64(o->args[0], INT_MAX, &pid) < 0 || pid == 0) {
                fprintf(stderr, "%s is no process id.\n", o->args[0]);
                return EXIT_USAGE;
        }
        return ask(ret, type, method, "u", (uint32_t)pid);
}

/* Members of an answer that is an array, as an object. */
static ExitCode print_why_json(json_object *answer) {
        static const char *const names[] = { "reason", "text", "numbers" };
        cleanup_json json_object *o = json_object_new_object();

        for (size_t i = 0; i < 3; i++)
                if (!o ||
                    json_object_object_add(
                            o, names[i], json_object_get(json_object_array_get_idx(answer, i))) < 0)
                        return EXIT_FAILED;
        return print_json(o);
}

static ExitCode verb_why(const Options *o) {
        cleanup_json json_object *answer = NULL;
        ExitCode code = ask_process(o, &answer, json_type_array, "Explain");

        if (code != EXIT_DONE)
                return code;
        if (json_object_array_length(answer) != 3)
                return bad_answer();
        if (o->json)
                return print_why_json(answer);
        output_why(stdout, answer, o->width);
        return EXIT_DONE;
}

static ExitCode verb_show(const Options *o) {
        cleanup_json json_object *process = NULL;
        ExitCode code = ask_process(o, &process, json_type_object, "GetProcess");

        if (code != EXIT_DONE)
                return code;
        if (o->json)
                return print_json(process);
        output_show(stdout, process, o->colour);
        return EXIT_DONE;
}

static ExitCode verb_nodes(const Options *o) {
        cleanup_json json_object *nodes = NULL;
        ExitCode code = ask(&nodes, json_type_array, "ListNodes", NULL);

        if (code != EXIT_DONE)
                return code;
        if (o->json)
                return print_json(nodes);
        return output_nodes(stdout, nodes, o->colour) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static ExitCode verb_history(const Options *o) {
        cleanup_json json_object *rows = NULL;
        uint64_t ns = UINT64_C(600000000000); /* a screen full: ten minutes */
        ExitCode code;

        if (o->n_args > 0 && parse_duration(o->args[0], &ns) < 0) {
                fprintf(stderr, "%s is no length of time such as 30s, 10min or 1h.\n", o->args[0]);
                return EXIT_USAGE;
        }
        code = ask(&rows, json_type_array, "GetHistory", "t",
                   sub_sat(clock_realtime_usec(), ns / 1000));
        if (code != EXIT_DONE)
                return code;
        if (o->json)
                return print_json(rows);
        return output_history(stdout, rows, o->colour) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static ExitCode print_jobs_json(json_object *jobs, json_object *migrations) {
        cleanup_json json_object *o = json_object_new_object();

        if (!o || json_object_object_add(o, "jobs", json_object_get(jobs)) < 0 ||
            json_object_object_add(o, "migrations", json_object_get(migrations)) < 0)
                return EXIT_FAILED;
        return print_json(o);
}

static ExitCode verb_jobs(const Options *o) {
        cleanup_json json_object *jobs = NULL, *migrations = NULL;
        uint32_t max = o->max == 0 ? 20 : o->max > 1024 ? 1024 : o->max;
        cleanup_client Client c = { 0 };
        ExitCode code;

        if ((code = client_open(&c)) != EXIT_DONE ||
            (code = client_call(&c, &jobs, "ListJobs", NULL)) != EXIT_DONE ||
            (code = client_call(&c, &migrations, "ListMigrations", "u", max)) != EXIT_DONE)
                return code;
        if (o->json)
                return print_jobs_json(jobs, migrations);
        if (!json_object_is_type(jobs, json_type_array) ||
            !json_object_is_type(migrations, json_type_array))
                return bad_answer();
        return output_jobs(stdout, jobs, migrations, o->colour) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* Changes something and, with --json, shows the state that came of it. */
static ExitCode change(const Options *o, const char *method, const char *types, uint64_t argument) {
        cleanup_json json_object *properties = NULL;
        cleanup(agent_stop) pid_t agent = 0;
        cleanup_client Client c = { 0 };
        ExitCode code;

        if ((code = client_open(&c)) != EXIT_DONE)
                return code;
        c.ask_password = !o->no_ask_password;
        if (c.ask_password)
                agent = agent_start();
        code = types ? client_call(&c, NULL, method, types, argument)
                     : client_call(&c, NULL, method, NULL);
        if (code != EXIT_DONE || !o->json)
                return code;
        if ((code = client_properties(&c, &properties)) != EXIT_DONE)
                return code;
        return print_json(properties);
}

static ExitCode verb_pause(const Options *o) {
        uint64_t ns = 0;

        if (o->n_args > 0 && (parse_duration(o->args[0], &ns) < 0 || ns < 1000)) {
                fprintf(stderr, "%s is no length of time such as 30s, 10min or 2h.\n", o->args[0]);
                return EXIT_USAGE;
        }
        return change(o, "Pause", "t", ns / 1000);
}

static ExitCode verb_resume(const Options *o) {
        return change(o, "Resume", NULL, 0);
}

/* "4" or "4:2048": CPUs and megabytes. */
static bool parse_demand(const char *text, uint32_t *ret_cpus, uint64_t *ret_bytes) {
        char cpus_text[16];
        size_t n = strcspn(text, ":");
        uint64_t cpus, megabytes = 0;

        if (n >= sizeof cpus_text)
                return false;
        memcpy(cpus_text, text, n);
        cpus_text[n] = 0;
        if (parse_u64(cpus_text, CPUS_MAX, &cpus) < 0 ||
            (text[n] && parse_u64(text + n + 1, UINT64_MAX >> 20, &megabytes) < 0))
                return false;
        *ret_cpus = (uint32_t)cpus;
        *ret_bytes = megabytes << 20;
        return true;
}

static ExitCode verb_advise(const Options *o) {
        cleanup_json json_object *nodes = NULL;
        uint64_t bytes;
        ExitCode code;
        uint32_t cpus;

        if (!parse_demand(o->args[0], &cpus, &bytes)) {
                fprintf(stderr, "%s is no number of CPUs with or without megabytes, as 4:2048.\n",
                        o->args[0]);
                return EXIT_USAGE;
        }
        if ((code = ask(&nodes, json_type_array, "Advise", "ut", cpus, bytes)) != EXIT_DONE)
                return code;
        if (o->json)
                return print_json(nodes);
        output_list(stdout, nodes);
        return EXIT_DONE;
}

static ExitCode verb_doctor(const Options *o) {
        cleanup_json json_object *findings = NULL;
        ExitCode code = ask(&findings, json_type_array, "Diagnose", NULL);

        if (code == EXIT_NOT_RUNNING)
                fprintf(stderr, "numabalancerd --doctor checks without it.\n");
        if (code != EXIT_DONE)
                return code;
        if (o->json)
                (void)print_json(findings);
        else
                output_doctor(stdout, findings, o->colour);
        return findings_allow_acting(findings) ? EXIT_DONE : EXIT_FAILED;
}

static ExitCode verb_reload(const Options *o) {
        return change(o, "Reload", NULL, 0);
}

static ExitCode verb_record(const Options *o) {
        cleanup(agent_stop) pid_t agent = 0;
        cleanup_client Client c = { 0 };
        cleanup_close int fd = -1;
        uint64_t ns = UINT64_C(60000000000);
        ExitCode code;

        if (o->n_args > 1 && (parse_duration(o->args[1], &ns) < 0 || ns < UINT64_C(1000000000) ||
                              ns > UINT64_C(86400000000000))) {
                fprintf(stderr, "%s is no length of time from 1s to 1d.\n", o->args[1]);
                return EXIT_USAGE;
        }
        if ((code = client_open(&c)) != EXIT_DONE)
                return code;
        /* The daemon empties it once it takes it: a refusal must not cost an older recording. */
        fd = open(o->args[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) {
                fprintf(stderr, "%s cannot be written: %s\n", o->args[0], strerror(errno));
                return EXIT_FAILED;
        }
        c.ask_password = !o->no_ask_password;
        if (c.ask_password)
                agent = agent_start();
        return client_call(&c, NULL, "Record", "hu", fd, (uint32_t)(ns / 1000000000));
}

static ExitCode verb_cancel(const Options *o) {
        uint64_t job;

        if (parse_u64(o->args[0], UINT64_MAX, &job) < 0 || job == 0) {
                fprintf(stderr, "%s is no number of a job.\n", o->args[0]);
                return EXIT_USAGE;
        }
        return change(o, "CancelJob", "t", job);
}

const Verb verb_table[] = {
        { "status", "", "show state, source and counters", 0, 0, verb_status },
        { "processes", "", "list processes with their score and the reason", 0, 0, verb_processes },
        { "top", "", "watch nodes, moves and processes", 0, 0, verb_top },
        { "why", "PID", "explain why a process is moved or left alone", 1, 1, verb_why },
        { "show", "PID", "show what is known of a process", 1, 1, verb_show },
        { "nodes", "", "show the nodes and who accesses whose memory", 0, 0, verb_nodes },
        { "jobs", "", "list moves under way and those that ended last", 0, 0, verb_jobs },
        { "history", "[TIME]", "show the last ten minutes, or TIME (at most 1h)", 0, 1,
          verb_history },
        { "advise", "CPUS[:MB]", "tell on which nodes a new program should run", 1, 1,
          verb_advise },
        { "metrics", "", "print metrics for Prometheus", 0, 0, verb_metrics },
        { "report", "FILE", "write a page about the last hour (HTML)", 1, 1, verb_report },
        { "doctor", "", "tell what the daemon needs and what is missing", 0, 0, verb_doctor },
        { "migrate", "PID", "move the memory of a process by hand", 1, 1, verb_migrate },
        { "record", "FILE [TIME]", "let the daemon record what it sees for 60s, or TIME", 1, 2,
          verb_record },
        { "cancel", "JOB", "end a move under way", 1, 1, verb_cancel },
        { "reload", "", "read the configuration again", 0, 0, verb_reload },
        { "pause", "[TIME]", "move nothing for TIME (30s, 10min), or until resumed", 0, 1,
          verb_pause },
        { "resume", "", "end a pause", 0, 0, verb_resume },
        { 0 },
};
