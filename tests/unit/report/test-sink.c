/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "report/journal.h"
#include "report/sink.h"

static const Topology topology = { .n_nodes = 2, .node_id = { 0, 1 } };

/* A socket in place of the journal's, and a file in place of stderr. */
static char directory[] = "/tmp/numabalancer-sink-XXXXXX";
static char socket_path[64], stderr_path[64];
static int journal = -1;

static void listen_as_journal(void) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        strcpy(sa.sun_path, socket_path);
        cr_assert_eq(bind(journal, (struct sockaddr *)&sa, sizeof sa), 0);
}

static void set_up(void) {
        cr_assert(mkdtemp(directory));
        snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
        snprintf(stderr_path, sizeof stderr_path, "%s/stderr", directory);
        sink_set_socket(socket_path);
        cr_assert(freopen(stderr_path, "w", stderr));
}

static void tear_down(void) {
        if (journal >= 0)
                close(journal);
        unlink(socket_path);
        unlink(stderr_path);
        rmdir(directory);
}

TestSuite(sink, .init = set_up, .fini = tear_down);

/* The next datagram as text; "" when there is none. */
static const char *received(void) {
        static char buf[8192];
        ssize_t n = recv(journal, buf, sizeof buf - 1, 0);

        buf[n > 0 ? n : 0] = 0;
        return buf;
}

static const char *written(void) {
        static char buf[8192];
        cleanup_fclose FILE *f = fopen(stderr_path, "re");
        size_t n = f ? fread(buf, 1, sizeof buf - 1, f) : 0;

        buf[n] = 0;
        return buf;
}

/* Pretends that systemd connected stderr to the journal. */
static void connect_stderr(void) {
        char value[64];
        struct stat st;

        fstat(STDERR_FILENO, &st);
        snprintf(value, sizeof value, "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino);
        setenv("JOURNAL_STREAM", value, 1);
}

static bool has_line(const char *text, const char *line) {
        size_t n = strlen(line);

        for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
                if (strncmp(p, line, n) == 0 && p[n] == '\n')
                        return true;
        return false;
}

Test(sink, plain_stderr_gets_one_line_with_a_prefix) {
        unsetenv("JOURNAL_STREAM");
        journal_log(LOG_WARNING, "it is %d\n", 5);
        cr_assert_str_eq(written(), "<4>it is 5\\x0a\n");
}

Test(sink, journal_gets_fields) {
        static const char *const lines[] = {
                "MESSAGE=moved redis-server[812] node1 to node0: 100 pages in 1.9 s, 4 failed "
                "(EBUSY), 2 passes; remote share 97 % to 1 %",
                "PRIORITY=6",
                "MESSAGE_ID=96f1140983f94daf953aba79ae1e4d37",
                "SYSLOG_IDENTIFIER=numabalancerd",
                "NUMABALANCER_PID=812",
                "NUMABALANCER_STARTTIME=4711",
                "NUMABALANCER_COMM=redis-server",
                "NUMABALANCER_UNIT=redis.service",
                "NUMABALANCER_FROM_NODE=1",
                "NUMABALANCER_TO_NODE=0",
                "NUMABALANCER_SCORE=0.400000",
                "NUMABALANCER_REMOTE_BEFORE=0.970000",
                "NUMABALANCER_REMOTE_AFTER=0.010000",
                "NUMABALANCER_JOB=3",
                "NUMABALANCER_PAGES_MOVED=100",
                "NUMABALANCER_PAGES_FAILED=4",
                "NUMABALANCER_PAGES_RETRY=0",
                "NUMABALANCER_BYTES_MOVED=409600",
                "NUMABALANCER_PASSES=2",
                "NUMABALANCER_DURATION_USEC=1900000",
                "NUMABALANCER_REASON=done",
                "NUMABALANCER_SOURCE=clock",
                "ERRNO=16",
                "NUMABALANCER_ERRNO_NAME=EBUSY",
        };
        Outcome o = {
                .job = 3,
                .move = { .id = { 812, 4711 },
                          .comm = "redis-server",
                          .unit = "redis.service",
                          .from = 2,
                          .to = 0,
                          .score = 0.4,
                          .remote_before = 0.97 },
                .reason = REASON_DONE,
                .pages_moved = 100,
                .pages_failed = 4,
                .bytes_moved = 409600,
                .failures = { [FAILURE_BUSY] = 4 },
                .passes = 2,
                .started_ns = 5000000000,
                .finished_ns = 6900000000,
                .remote_after = 0.01,
        };
        const char *text;

        listen_as_journal();
        connect_stderr();
        journal_migration(&o, &topology, SOURCE_CLOCK);
        text = received();
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                cr_assert(has_line(text, lines[i]), "%s is missing in %s", lines[i], text);
        cr_assert_str_eq(written(), "");
}

Test(sink, missing_journal_is_replaced_by_stderr) {
        connect_stderr();
        journal_reloaded();
        cr_assert_str_eq(written(), "<5>configuration reloaded\n");
}

Test(sink, full_journal_does_not_block) {
        listen_as_journal();
        sink_set_target(SINK_JOURNAL);
        alarm(10); /* a blocked send ends the test by a signal */
        for (int i = 0; i < 20000; i++)
                journal_log(LOG_ERR, "line %d", i);
        alarm(0);
        cr_assert(strncmp(received(), "MESSAGE=line 0\n", 15) == 0);
        cr_assert_str_eq(written(), "", "what is lost is not told elsewhere");
}

Test(sink, level_and_target) {
        unsetenv("JOURNAL_STREAM");
        journal_log(LOG_DEBUG, "not shown");
        sink_set_level(LOG_DEBUG);
        journal_log(LOG_DEBUG, "shown");
        sink_set_target(SINK_NULL);
        journal_log(LOG_EMERG, "nowhere");
        cr_assert_str_eq(written(), "<7>shown\n");
        for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
                cr_assert_eq(sink_level_from_string(sink_level_to_string(level)), level);
        for (int target = 0; target < SINK_TARGET_MAX; target++)
                cr_assert_eq(sink_target_from_string(sink_target_to_string((SinkTarget)target)),
                             target);
        cr_assert_lt(sink_level_from_string("loud"), 0);
        cr_assert_lt(sink_target_from_string(""), 0);
}

Test(sink, repeats_are_counted) {
        Move m = { .id = { 5, 6 }, .comm = "a", .from = 2, .to = 0, .remote_before = NAN };
        Move other = { .id = { 7, 8 }, .comm = "b", .from = 2, .to = 0, .remote_before = NAN };
        const char *text;
        size_t lines = 0;

        unsetenv("JOURNAL_STREAM");
        for (int i = 0; i < 100; i++) {
                journal_would_migrate(&m, &topology, SOURCE_CLOCK);
                journal_would_migrate(&other, &topology, SOURCE_CLOCK);
        }
        text = written();
        for (const char *p = text; (p = strchr(p, '\n')); p++)
                lines++;
        cr_assert_eq(lines, 2, "one for each process: %s", text);
}

Test(sink, findings_have_a_kind_of_their_own) {
        static const Finding good = { "btf", FINDING_GOOD, "BTF is there", "", "" };
        static const Finding bad = { "btf", FINDING_MISSING, "no\tBTF", "no source", "a kernel" };
        static const Finding mover = { "other-movers", FINDING_LIMITED, "numad", "a war", "stop" };
        const char *text;

        listen_as_journal();
        sink_set_target(SINK_JOURNAL);
        journal_finding(&good);
        journal_finding(&bad);
        text = received();
        cr_assert(has_line(text, "MESSAGE=no\\x09BTF: no source; a kernel"), "%s", text);
        cr_assert(has_line(text, "NUMABALANCER_FINDING=btf"), "%s", text);
        cr_assert(has_line(text, "PRIORITY=4"), "%s", text);
        journal_finding(&mover);
        text = received();
        cr_assert(has_line(text, "NUMABALANCER_FINDING=other-movers"), "%s", text);
        cr_assert_str_eq(received(), "", "good ones are not told");
}

Test(sink, stop_for_ping_pong_is_no_mere_change_of_state) {
        StatusView s = { .state = STATE_STOPPED, .state_reason = REASON_PING_PONG };

        listen_as_journal();
        sink_set_target(SINK_JOURNAL);
        journal_state_changed(&s);
        cr_assert(has_line(received(), "PRIORITY=4"));
        s.state = STATE_RUNNING;
        journal_state_changed(&s);
        cr_assert(has_line(received(), "MESSAGE_ID=398ff3e637e549cfbe4913c53142837d"));
}

Test(sink, values_with_newlines_use_the_binary_form) {
        static const char expected[] = "MESSAGE=text\nA=1\nB\n\3\0\0\0\0\0\0\0x\ny\nC=\n";
        cleanup_free char *buf = NULL;
        size_t size = 0;
        Record r = { 0 };

        record_add(&r, "A", "1");
        record_add(&r, "B", "x\ny");
        record_add(&r, "C", "%s", "");
        record_set_message(&r, "text");
        cr_assert_eq(sink_encode(&r, &buf, &size), 0);
        cr_assert_eq(size, sizeof expected - 1);
        cr_assert_eq(memcmp(buf, expected, size), 0);
        record_done(&r);
}

Test(sink, journal_stream) {
        cr_assert(sink_is_journal_stream("8:123", 8, 123));
        cr_assert_not(sink_is_journal_stream("8:124", 8, 123));
        cr_assert_not(sink_is_journal_stream("8:1234", 8, 123));
        cr_assert_not(sink_is_journal_stream("", 0, 0));
        cr_assert_not(sink_is_journal_stream(NULL, 0, 0));
}

Test(sink, records_are_bounded) {
        Record r;

        record_init(&r, MESSAGE_STARTED);
        for (int i = 0; i < 100; i++)
                record_add(&r, "F", "%d", i);
        cr_assert_eq(r.n_fields, RECORD_FIELDS_MAX);
        cr_assert_neq(r.error, 0);
        record_done(&r);
}
