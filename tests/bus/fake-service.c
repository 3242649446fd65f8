/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report room on a bus with made-up data in place of the manager: what the bus tests talk to.
 * Arguments: the number of processes (default 3); "hostile", when all text is as an attacker would
 * choose it. SIGUSR1 ends a job and lets the source change. A timer with the priority of the
 * manager's tick runs in the loop; SIGUSR2 prints, since the last time, how late it was at
 * most, the same without the time in which there was no CPU for this program, the most CPU time
 * between two, and their number. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "report/bus.h"
#include "report/journal.h"

typedef struct Fake {
        Topology topology;
        StatusView status;
        size_t n_processes;
        bool hostile;
        ReportBus *bus;
        uint64_t tick_usec; /* when the timer is due */
        uint64_t late_usec;
        uint64_t own_usec;  /* without the time in which the kernel ran others instead */
        uint64_t wait_usec; /* that time until the last tick */
        uint64_t cpu_usec;  /* CPU time used until the last tick */
        uint64_t between_usec;
        unsigned n_ticks;
} Fake;

/* The priority of the tick in manager/tick.c, at a pace that notices more. */
#define TICK_PRIORITY (SD_EVENT_PRIORITY_NORMAL - 10)
#define TICK_USEC     10000

/* Names that break what is careless. The bus tests know them as well. */
static const struct {
        const char comm[COMM_BYTES];
        const char *unit;
} hostile[] = {
        { "a b (c) [d] {e", "my unit [1] (2).service" },
        { "one\ntwo\r\tthree", "first\nsecond\r.service" },
        { "\033[31mred\033[0m", "\033]0;title\007.service" },
        { "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377", "\377\376\375.service" },
        { "\xc3(\xe2\x82\xed\xa0\x80", "\xf4\x90\x80\x80\xc0\xaf.service" },
        { "cut-in-middle\xc3", "\xe2\x80\xae"
                               "evil\xe2\x80\xa9.service" },
        { "back\\x0aslash", "a\\x2db\\.service" },
        { "\"'<b>&amp;`$", "\"};<script>alert(1)</script>.service" },
        { "\x7f\xc2\x9b"
          "31m\001\002",
          "\001.service" },
        { "", "" },
        { "gr\xc3\xbc\xc3\x9f,=\xe2\x82\xac #", "\xe6\x97\xa5\xe6\x9c\xac %s%n {0}.service" },
};

#define N_HOSTILE (sizeof hostile / sizeof *hostile)

static void fake_status(void *userdata, StatusView *ret) {
        Fake *f = userdata;

        *ret = f->status;
}

static const Topology *fake_topology(void *userdata) {
        Fake *f = userdata;

        return &f->topology;
}

/* Process i of the list; higher ones have lower scores. */
static void fake_row(const Fake *f, size_t i, ProcessRow *ret) {
        *ret = (ProcessRow) {
                .info = {
                        .id = { .pid = (pid_t)(1000 + i), .starttime = 5000 + i },
                        .unit = "worker@1.service",
                        .uid = 998,
                        .age_ns = 90 * NSEC_PER_SEC,
                        .rss_bytes = 512 * MIB,
                        .n_threads = 4,
                },
                .verdict = {
                        .id = { .pid = (pid_t)(1000 + i), .starttime = 5000 + i },
                        .reason = i == 0 ? REASON_MOVE : REASON_LOW_REMOTE,
                        .samples = 200,
                        .remote_share = 0.97 / (double)(i + 1),
                        .remote_lower = 0.93 / (double)(i + 1),
                        .remote_upper = 0.98 / (double)(i + 1),
                        .cpu_ns = 1e9,
                        .stall_ns = 2e8,
                        .score = 0.2 / (double)(i + 1),
                        .home_node = 1,
                        .run_node = 0,
                        .run_share = 0.99,
                        .target_node = i == 0 ? 0 : NODE_NONE,
                        .move_bytes = 512 * MIB,
                        .benefit_ns = 18e9,
                        .cost_ns = 1e9,
                        .horizon_ns = 90 * NSEC_PER_SEC,
                        .observed = 0.93 / (double)(i + 1),
                        .threshold = 0.30,
                },
                .source = SOURCE_CLOCK,
                .state = i == 0 ? "moving" : "watched",
        };
        /* A name as an attacker would choose it. */
        snprintf(ret->info.comm, sizeof ret->info.comm, i == 1 ? "ev\033[2Jil\n\377" : "worker-%u",
                 (unsigned)i % 10000);
        if (f->n_processes > i && i == 2)
                ret->verdict.observed = __builtin_nan("");
        if (!f->hostile)
                return;
        memcpy(ret->info.comm, hostile[i % N_HOSTILE].comm, sizeof ret->info.comm);
        snprintf(ret->info.unit, sizeof ret->info.unit, "%s", hostile[i % N_HOSTILE].unit);
        /* As many bytes as there are, none of them good. */
        if (i == N_HOSTILE)
                memset(ret->info.unit, 0xff, sizeof ret->info.unit - 1);
}

static int fake_processes(void *userdata, size_t max, ProcessOrder order, ProcessRow **ret,
                          size_t *ret_n) {
        Fake *f = userdata;
        size_t n = max < f->n_processes ? max : f->n_processes;
        ProcessRow *rows = calloc(n ? n : 1, sizeof *rows);

        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                fake_row(f, order == ORDER_PID ? n - 1 - i : i, &rows[i]);
        *ret = rows;
        *ret_n = n;
        return 0;
}

static int fake_process(void *userdata, pid_t pid, ProcessRow *ret) {
        Fake *f = userdata;

        if (pid < 1000 || (size_t)(pid - 1000) >= f->n_processes)
                return -ESRCH;
        fake_row(f, (size_t)(pid - 1000), ret);
        return 0;
}

static int fake_pause(void *userdata, uint64_t usec) {
        Fake *f = userdata;

        f->status.state = STATE_PAUSED;
        f->status.state_reason = REASON_PAUSED;
        f->status.paused_until_usec = usec ? f->status.start_realtime_usec + usec : UINT64_MAX;
        return 0;
}

static int fake_resume(void *userdata) {
        Fake *f = userdata;

        f->status.state = STATE_RUNNING;
        f->status.state_reason = REASON_RUNNING;
        f->status.paused_until_usec = 0;
        return 0;
}

static void fake_machine(void *userdata, MachineView *ret) {
        *ret = (MachineView) {
                .n_nodes = 2,
                .nodes = { { .available_bytes = 3ull << 30 }, { .available_bytes = 1ull << 30 } },
                .cpu_ns = { 2.5e9, 0.5e9 },
                .access = { { 10, 70 }, { 5, 15 } },
        };
}

static size_t fake_jobs(void *userdata, Outcome *ret, size_t max) {
        Fake *f = userdata;

        ret[0] = (Outcome) {
                .job = 8,
                .move = { .id = { 1000, 5000 },
                          .comm = "worker-0",
                          .from = node_bit(1),
                          .to = 0,
                          .bytes = 512 * MIB,
                          .remote_before = 0.97 },
                .state = JOB_WAITING,
                .pages_planned = 131072,
                .pages_moved = 100000,
                .pages_retry = 31072,
                .bytes_moved = 409600000,
                .passes = 1,
                .remote_after = __builtin_nan(""),
        };
        for (size_t i = 1; f->hostile && i < N_HOSTILE && i < max; i++) {
                ret[i] = ret[0];
                ret[i].job = 100 + i;
                memcpy(ret[i].move.comm, hostile[i].comm, sizeof ret[i].move.comm);
                snprintf(ret[i].move.unit, sizeof ret[i].move.unit, "%s", hostile[i].unit);
        }
        return f->hostile ? N_HOSTILE : 1;
}

static int fake_detail(void *userdata, pid_t pid, ProcessDetail *ret) {
        static const double access[] = { 1, 97, 0, 2 };
        static const uint64_t resident[] = { 12 * MIB, 500 * MIB };

        if (pid != 1000)
                return -ESRCH;
        *ret = (ProcessDetail) { .n_nodes = 2, .access = access, .resident_bytes = resident };
        return 0;
}

/* Refused every second time. */
static int fake_reload(void *userdata) {
        Fake *f = userdata;
        bool refuse = !f->status.last_reload_error;

        f->status.last_reload_error =
                refuse ? "/etc/numabalancer.conf:3: unknown setting \"m\tode\"" : NULL;
        return refuse ? -EBADMSG : 0;
}

static int fake_cancel(void *userdata, uint64_t job) {
        return job == 8 ? 0 : -ENOENT;
}

/* The target tells which answer is wanted; a move to node 0 has ended when it is asked for. */
static int fake_migrate(void *userdata, const MoveRequest *request, uint64_t *ret_job,
                        Reason *ret_reason) {
        Outcome o = {
                .job = 9,
                .move = { .id = { request->pid, 1 },
                          .comm = "worker-0",
                          .from = node_bit(1),
                          .to = 0,
                          .remote_before = __builtin_nan("") },
                .state = JOB_FINISHED,
                .reason = request->override_rules ? REASON_PARTLY : REASON_DONE,
                .pages_moved = 256,
                .bytes_moved = 1 << 20,
                .remote_after = __builtin_nan(""),
        };
        Fake *f = userdata;

        if (request->pid != 1000 || request->starttime > 1)
                return -ESRCH;
        if (f->status.state == STATE_PAUSED)
                return -ECANCELED;
        if (request->to_id == 4) {
                *ret_reason = REASON_TASK_POLICY;
                return -EPERM;
        }
        if (request->to_id > 4)
                return -EINVAL;
        if (request->from_id == 0)
                return -EBUSY;
        report_bus_job_finished(f->bus, &o);
        *ret_job = 9;
        return 0;
}

/* One recording at a time; the second is refused. */
static int fake_record(void *userdata, int fd, uint32_t seconds) {
        static bool recording;

        if (recording)
                return -EBUSY;
        if (dprintf(fd, "recording for %u s\n", seconds) < 0)
                return -EBADF;
        recording = true;
        return 0;
}

static size_t fake_diagnose(void *userdata, Finding *ret, size_t max) {
        ret[0] = (Finding) { "nodes", FINDING_GOOD, "2 nodes with memory", "", "" };
        ret[1] = (Finding) { "btf", FINDING_MISSING, "type\tinformation is missing", "no source",
                             "another kernel" };
        return 2;
}

/* Jobs of all hostile names end. */
static void end_hostile_jobs(Fake *f, Outcome o) {
        for (size_t i = 0; f->hostile && i < N_HOSTILE; i++) {
                o.job = 100 + i;
                memcpy(o.move.comm, hostile[i].comm, sizeof o.move.comm);
                snprintf(o.move.unit, sizeof o.move.unit, "%s", hostile[i].unit);
                report_bus_job_finished(f->bus, &o);
        }
}

static uint64_t now_usec(clockid_t clock) {
        struct timespec ts;

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Time in which this thread could have run, but had no CPU. 0 where the kernel does not count it. */
static uint64_t waited_usec(void) {
        FILE *f = fopen("/proc/self/schedstat", "re");
        unsigned long long waited_ns = 0;

        if (!f)
                return 0;
        if (fscanf(f, "%*u %llu", &waited_ns) != 1)
                waited_ns = 0;
        fclose(f);
        return waited_ns / 1000;
}

static void count_lateness(Fake *f, uint64_t now, uint64_t cpu) {
        uint64_t late = now > f->tick_usec ? now - f->tick_usec : 0, own;
        uint64_t waited = waited_usec();

        own = late > waited - f->wait_usec ? late - (waited - f->wait_usec) : 0;
        if (late > f->late_usec)
                f->late_usec = late;
        if (own > f->own_usec)
                f->own_usec = own;
        if (cpu - f->cpu_usec > f->between_usec)
                f->between_usec = cpu - f->cpu_usec;
        f->wait_usec = waited;
        f->cpu_usec = cpu;
        f->n_ticks++;
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata) {
        uint64_t now = now_usec(CLOCK_MONOTONIC), cpu = now_usec(CLOCK_PROCESS_CPUTIME_ID);
        Fake *f = userdata;

        count_lateness(f, now, cpu);
        /* Not from now on: what has passed meanwhile is in wait_usec already. */
        f->tick_usec = now_usec(CLOCK_MONOTONIC) + TICK_USEC;
        sd_event_source_set_time(s, f->tick_usec);
        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_measure_signal(sd_event_source *s, const struct signalfd_siginfo *si,
                             void *userdata) {
        Fake *f = userdata;

        printf("%llu %llu %llu %u\n", (unsigned long long)f->late_usec,
               (unsigned long long)f->own_usec, (unsigned long long)f->between_usec, f->n_ticks);
        fflush(stdout);
        f->late_usec = 0;
        f->own_usec = 0;
        f->between_usec = 0;
        f->n_ticks = 0;
        return 0;
}

static int on_user_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Fake *f = userdata;
        Outcome o = {
                .job = 7,
                .move = { .id = { 1000, 5000 }, .comm = "ev\til", .from = node_bit(1), .to = 0 },
                .state = JOB_FINISHED,
                .reason = REASON_PARTLY,
                .pages_moved = 100,
                .pages_failed = 28,
                .bytes_moved = 409600,
                .started_ns = 1000000000,
                .finished_ns = 2500000000,
                .remote_after = __builtin_nan(""),
        };

        f->status.source = f->status.source == SOURCE_CLOCK ? SOURCE_HINT : SOURCE_CLOCK;
        report_bus_job_finished(f->bus, &o);
        o.remote_after = 0.25;
        report_bus_job_verified(f->bus, &o);
        end_hostile_jobs(f, o);
        report_bus_changed(f->bus);
        return 0;
}

static void fake_init(Fake *f, const char *n_processes, bool is_hostile) {
        *f = (Fake) {
                .topology = { .n_nodes = 2,
                              .node_id = { 0, 4 },
                              .has_cpu = { true, true },
                              .has_memory = { true, true },
                              .total_bytes = { 4ull << 30, 4ull << 30 },
                              .distance = { { 10, 21 }, { 21, 10 } },
                              .n_cpus = 6,
                              .cpu_node = { 0, 0, 0, 0, 1, 1 } },
                .status = {
                        .version = NUMABALANCER_VERSION,
                        .state = STATE_RUNNING,
                        .state_reason = REASON_RUNNING,
                        .source = SOURCE_CLOCK,
                        .source_reason = "the first that works",
                        .kernel_balancing = "off",
                        .node_count = 2,
                        .start_realtime_usec = 1700000000000000,
                        .start_monotonic_usec = 12345678,
                        .processes_tracked = 3,
                        .jobs_active = 1,
                        .cpu_usage_usec = 250000,
                        .sampler_usec = 50000,
                },
                .n_processes = n_processes ? strtoul(n_processes, NULL, 10) : 3,
                .hostile = is_hostile,
        };
        if (is_hostile) {
                f->status.source_reason = "\033[2J\nreason\xff\\";
                f->status.last_reload_error = "/etc/\xff\n\033[1m:1: wrong";
        }
        /* Every counter has a value of its own. */
        uint64_t value = 1000;
#define FAKE_COUNTER(member, name, meaning) f->status.counters.member = value++;
        COUNTER_TABLE(FAKE_COUNTER)
#undef FAKE_COUNTER
        for (int i = 0; i < FAILURE_MAX; i++) {
                f->status.failures[i] = 100 + (uint64_t)i;
                f->status.failed_bytes[i] = 4096 * f->status.failures[i];
        }
        f->status.kernel_moves_known = true;
        for (uint64_t i = 0; i < MOVE_CAUSE_MAX; i++)
                f->status.kernel_moves.others[i] = (MovedPages) { 200 + i, 300 + i, 400 + i };
}

static int start_tick(sd_event *event, sd_event_source **ret, Fake *f) {
        int r;

        f->tick_usec = now_usec(CLOCK_MONOTONIC) + TICK_USEC;
        r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, f->tick_usec, 1, on_tick, f);
        return r < 0 ? r : sd_event_source_set_priority(*ret, TICK_PRIORITY);
}

int main(int argc, char **argv) {
        static Fake f;
        sigset_t mask;
        sd_event_source *tick = NULL;
        sd_event *event = NULL;
        ReportBackend backend = {
                .status = fake_status,
                .topology = fake_topology,
                .processes = fake_processes,
                .process = fake_process,
                .pause = fake_pause,
                .resume = fake_resume,
                .machine = fake_machine,
                .jobs = fake_jobs,
                .detail = fake_detail,
                .reload = fake_reload,
                .cancel = fake_cancel,
                .migrate = fake_migrate,
                .record = fake_record,
                .diagnose = fake_diagnose,
                .userdata = &f,
        };
        int r;

        fake_init(&f, argc > 1 ? argv[1] : NULL, argc > 2 && strcmp(argv[2], "hostile") == 0);
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGUSR1);
        sigaddset(&mask, SIGUSR2);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        if ((r = sd_event_new(&event)) < 0 ||
            (r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL)) < 0 ||
            (r = sd_event_add_signal(event, NULL, SIGUSR1, on_user_signal, &f)) < 0 ||
            (r = sd_event_add_signal(event, NULL, SIGUSR2, on_measure_signal, &f)) < 0 ||
            (r = start_tick(event, &tick, &f)) < 0 ||
            (r = report_bus_new(&f.bus, event, &backend, NULL)) < 0) {
                fprintf(stderr, "fake-service: %s\n", strerror(-r));
                return 1;
        }
        journal_log(LOG_INFO, "ready");
        r = sd_event_loop(event);
        report_bus_free(f.bus);
        sd_event_source_unref(tick);
        sd_event_unref(event);
        return r < 0;
}
