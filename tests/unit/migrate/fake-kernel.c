/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-kernel.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Long enough for a host on which the engine's threads do not run for seconds. */
#define EVENT_WAIT_MS 60000

__attribute__((format(printf, 2, 3))) static void fake_log(Fake *f, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(f->log + f->log_length, sizeof(f->log) - f->log_length, format, ap);
        va_end(ap);
        /* How often several threads sleep depends on the host, and nobody reads it then. */
        if (f->log_length + (size_t)n >= sizeof(f->log) && f->kernel.cpus > 1) {
                f->log[f->log_length] = '\0';
                return;
        }
        f->log_length += (size_t)n;
        cr_assert(f->log_length < sizeof(f->log), "log is full");
}

static uint64_t fake_now_ns(void *userdata) {
        Fake *f = userdata;

        atomic_fetch_add(&f->n_now, 1);
        return atomic_load(&f->now_ns);
}

static int fake_common(const Fake *f) {
        if (f->starttime == 0)
                return -ESRCH;
        return !f->permitted ? -EPERM : !f->has_mm ? -EINVAL : 0;
}

static int64_t scripted(const int64_t *script, uint32_t index) {
        return index < FAKE_SCRIPT_MAX ? script[index] : 0;
}

/* What a moving call has in common: log, time, hook, script. */
static int64_t fake_begin(Fake *f, const char *name, uint32_t n, const int64_t *script,
                          uint32_t index, uint64_t first) {
        fake_log(f, "%s %u @%" PRIu64 " page %" PRIu64 "\n", name, n,
                 (uint64_t)fake_now_ns(f) / NSEC_PER_MSEC, (first - FAKE_BASE) / FAKE_PAGE_BYTES);
        if (f->on_call)
                f->on_call(f, f->userdata);
        atomic_fetch_add(&f->now_ns, f->call_ns);
        int r = fake_common(f);
        return r < 0 ? r : scripted(script, index);
}

/* What moves with a page: itself, or its whole unit. */
static void fake_extent(const Fake *f, FakePage *page, FakePage **ret_first, uint32_t *ret_n) {
        uint32_t i = (uint32_t)(page - f->pages);

        *ret_first = page->huge ? &f->pages[i - i % 512] : page;
        *ret_n = page->huge ? 512 : 1;
}

/* One attempt to migrate: 1 moved, 0 failed, -ENOMEM. */
static int fake_attempt(Fake *f, FakePage *page, int to) {
        FakePage *first;
        uint32_t n;

        fake_extent(f, page, &first, &n);
        if (first->busy > 0) {
                if (first->busy != FAKE_FOREVER)
                        first->busy--;
                return 0;
        }
        if (f->room < n)
                return -ENOMEM;
        if (f->room != FAKE_FOREVER)
                f->room -= n;
        for (uint32_t i = 0; i < n; i++)
                first[i].node = to;
        atomic_fetch_add(&f->now_ns, n * f->page_ns);
        return 1;
}

static int64_t locked_migrate_pages(void *userdata, pid_t pid, NodeMask from, int to) {
        Fake *f = userdata;
        int64_t left = 0;
        int64_t r =
                fake_begin(f, "migrate", f->n_pages, f->migrate_script, f->n_migrate++, FAKE_BASE);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < f->n_pages; i++) {
                FakePage *page = &f->pages[i];
                if (!node_mask_has(from, page->node) || page->shared ||
                    (page->huge && i % 512 != 0))
                        continue;
                int moved = fake_attempt(f, page, to);
                if (moved < 0)
                        return moved;
                left += !moved;
        }
        return left;
}

typedef struct Batch {
        uint32_t start, n;
        uint32_t page[4096];
} Batch;

/* Pages left behind; writes the statuses of a batch that went well. */
static int64_t fake_flush(Fake *f, Batch *b, int to, int32_t *status, const uint32_t *index) {
        int64_t left = 0;

        for (uint32_t i = 0; i < b->n; i++) {
                int moved = fake_attempt(f, &f->pages[index[b->page[i]]], to);
                if (moved < 0)
                        return moved;
                left += !moved;
        }
        for (uint32_t i = 0; left == 0 && i < b->n; i++)
                status[b->page[i]] = to;
        b->n = 0;
        return left;
}

/* Lookup and isolation of a page: 1 queued, else the status to write. */
static int32_t fake_isolate(Fake *f, const Batch *b, const uint32_t *index, FakePage *page, int to,
                            bool all) {
        if (page->node == NODE_NONE)
                return -ENOENT;
        if (page->node == to)
                return 0;
        if (page->shared && !all)
                return -EACCES;
        for (uint32_t i = 0; page->huge && i < b->n; i++) {
                /* Its huge page is off the list already. */
                if (index[b->page[i]] / 512 == (uint32_t)(page - f->pages) / 512)
                        return -EBUSY;
        }
        if (page->busy == 0 || page->error == 0)
                return 1;
        if (page->busy != FAKE_FOREVER)
                page->busy--;
        return page->error;
}

static int64_t locked_move_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                                 int to, bool all, int32_t *status) {
        static Batch b; /* one worker */
        static uint32_t index[4096];
        Fake *f = userdata;
        int64_t r =
                fake_begin(f, all ? "all" : "move", n, f->move_script, f->n_move++, addresses[0]);

        if (r < 0)
                return r;
        if (all && f->refuses_all)
                return -EPERM;
        b.n = 0;
        for (uint32_t i = 0; i < n; i++) {
                index[i] = (uint32_t)((addresses[i] - FAKE_BASE) / FAKE_PAGE_BYTES);
                cr_assert(index[i] < f->n_pages, "address out of range");
                cr_assert_neq(f->pages[index[i]].call, f->n_move, "page %u twice", index[i]);
                f->pages[index[i]].call = f->n_move;
                cr_assert_eq(status[i], MOVE_STATUS_UNWRITTEN, "status not prepared");
        }
        for (uint32_t i = 0; i < n; i++) {
                int32_t s = fake_isolate(f, &b, index, &f->pages[index[i]], to, all);
                if (s == 1) {
                        b.page[b.n++] = i;
                        continue;
                }
                status[i] = s == 0 ? to : s;
                r = fake_flush(f, &b, to, status, index);
                if (r != 0)
                        return r < 0 ? r : r + n - i - 1;
        }
        return fake_flush(f, &b, to, status, index);
}

static int locked_query_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                              int32_t *ret_node) {
        Fake *f = userdata;
        int r = fake_common(f);
        int64_t script = scripted(f->query_script, f->n_query++);

        f->n_query_pages += n;
        atomic_fetch_add(&f->now_ns, f->query_ns);
        if (r < 0 || script < 0)
                return r < 0 ? r : (int)script;
        for (uint32_t i = 0; i < n; i++) {
                uint64_t page = (addresses[i] - FAKE_BASE) / FAKE_PAGE_BYTES;
                int node = addresses[i] < FAKE_BASE || page >= f->n_pages ? -EFAULT
                           : f->pages[page].node == NODE_NONE             ? -ENOENT
                                                                          : f->pages[page].node;
                ret_node[i] = node;
        }
        return 0;
}

static int locked_read_mappings(void *userdata, pid_t pid, uint64_t from, MappingKinds kinds,
                                AddressRange *ret, uint32_t max) {
        Fake *f = userdata;
        uint64_t end = FAKE_BASE + (uint64_t)f->n_pages * FAKE_PAGE_BYTES;
        uint64_t middle = FAKE_BASE + (uint64_t)f->split * FAKE_PAGE_BYTES;
        const AddressRange all[] = { { FAKE_BASE, middle }, { middle, end } };
        uint32_t n = 0;

        if (f->starttime == 0)
                return -ESRCH;
        if (!f->permitted)
                return -EPERM;
        for (uint32_t i = 0; i < 2 && n < max; i++)
                if ((i == 0 || !f->second_shared || kinds & MAPPINGS_SHARED) && all[i].end > from &&
                    all[i].end > all[i].start)
                        ret[n++] = all[i];
        return (int)n;
}

static int64_t fake_migrate_pages(void *userdata, pid_t pid, NodeMask from, int to) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        int64_t r = locked_migrate_pages(f, pid, from, to);
        pthread_mutex_unlock(&f->lock);
        return r;
}

static int64_t fake_move_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                               int to, bool all, int32_t *status) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        uint64_t begin = atomic_load(&f->now_ns);
        int64_t r = locked_move_pages(f, pid, addresses, n, to, all, status);
        f->moving_ns += atomic_load(&f->now_ns) - begin;
        pthread_mutex_unlock(&f->lock);
        return r;
}

static int fake_query_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                            int32_t *ret_node) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        int r = locked_query_pages(f, pid, addresses, n, ret_node);
        pthread_mutex_unlock(&f->lock);
        return r;
}

static int fake_read_mappings(void *userdata, pid_t pid, uint64_t from, MappingKinds kinds,
                              AddressRange *ret, uint32_t max) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        int r = locked_read_mappings(f, pid, from, kinds, ret, max);
        pthread_mutex_unlock(&f->lock);
        return r;
}

/* The descriptor is the start time: another process has another one. */
static int fake_attach(void *userdata, ProcessId id) {
        Fake *f = userdata;

        if (id.starttime != f->starttime)
                return -ESRCH;
        if (!f->permitted)
                return -EPERM;
        f->n_attached++;
        return (int)id.starttime;
}

static void fake_detach(void *userdata, int fd) {
        Fake *f = userdata;

        f->n_attached--;
}

static int fake_check(void *userdata, int fd) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        f->n_check++;
        int r = (uint64_t)fd == f->starttime ? 0 : -ESRCH;
        pthread_mutex_unlock(&f->lock);
        return r;
}

static int fake_progress(void *userdata, pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_faults) {
        Fake *f = userdata;

        pthread_mutex_lock(&f->lock);
        *ret_cpu_ns = atomic_load(&f->now_ns) - (f->suffers ? f->moving_ns : 0);
        *ret_faults = f->n_move;
        pthread_mutex_unlock(&f->lock);
        return 0;
}

static double fake_pressure(void *userdata) {
        Fake *f = userdata;

        return f->pressure;
}

static void fake_sleep_until(void *userdata, uint64_t until_ns, int wake_fd) {
        Fake *f = userdata;
        struct pollfd p = { .fd = wake_fd, .events = POLLIN };

        if (until_ns == UINT64_MAX) {
                (void)poll(&p, 1, -1);
                return;
        }
        if (poll(&p, 1, 0) > 0)
                return;
        pthread_mutex_lock(&f->lock);
        f->n_sleep++;
        fake_log(f, "sleep %" PRIu64 "\n", until_ns / NSEC_PER_MSEC);
        if (f->on_sleep)
                f->on_sleep(f, f->userdata);
        pthread_mutex_unlock(&f->lock);
        if (poll(&p, 1, 0) > 0)
                return; /* the hook woke the engine: time stands still */
        unsigned long long now_ns = atomic_load(&f->now_ns);
        while (now_ns < until_ns && !atomic_compare_exchange_weak(&f->now_ns, &now_ns, until_ns))
                ;
}

void fake_init(Fake *f, uint32_t n, int node) {
        memset(f, 0, sizeof(*f));
        pthread_mutex_init(&f->lock, NULL);
        f->pages = calloc(n ? n : 1, sizeof(*f->pages));
        f->n_pages = n;
        f->split = n / 3;
        for (uint32_t i = 0; i < n; i++)
                f->pages[i].node = node;
        f->starttime = 77;
        atomic_store(&f->now_ns, 1000 * NSEC_PER_MSEC);
        f->room = FAKE_FOREVER;
        f->permitted = f->has_mm = true;
        f->topology.n_nodes = 4;
        settings_init(&f->settings);
        f->settings.method = METHOD_MIGRATE_PAGES;
        f->kernel = (MoverKernel) {
                .migrate_pages = fake_migrate_pages,
                .move_pages = fake_move_pages,
                .query_pages = fake_query_pages,
                .read_mappings = fake_read_mappings,
                .attach = fake_attach,
                .detach = fake_detach,
                .check = fake_check,
                .progress = fake_progress,
                .pressure = fake_pressure,
                .now_ns = fake_now_ns,
                .sleep_until = fake_sleep_until,
                .userdata = f,
                .page_bytes = FAKE_PAGE_BYTES,
                .cpus = 1,
        };
}

void fake_done(Fake *f) {
        f->mover = mover_free(f->mover);
        cr_assert_eq(atomic_load(&f->n_attached), 0);
        pthread_mutex_destroy(&f->lock);
        free(f->pages);
        f->pages = NULL;
}

void fake_start(Fake *f) {
        cr_assert_eq(mover_new(&f->mover, &f->topology, NULL, &f->settings, &f->kernel), 0);
}

Move fake_move(const Fake *f, NodeMask from, int to) {
        return (Move) { .id = { .pid = 42, .starttime = f->starttime }, .from = from, .to = to };
}

uint64_t fake_submit(Fake *f, NodeMask from, int to) {
        Move move = fake_move(f, from, to);
        uint64_t job = 0;

        cr_assert_eq(mover_submit(f->mover, &move, &job), 0);
        return job;
}

Outcome fake_wait_event(Fake *f) {
        struct pollfd p = { .fd = mover_get_fd(f->mover), .events = POLLIN };
        Outcome o;

        while (mover_next_event(f->mover, &o) == 0)
                cr_assert_eq(poll(&p, 1, EVENT_WAIT_MS), 1, "no event; log:\n%s", f->log);
        return o;
}

Outcome fake_wait_end(Fake *f, uint32_t *ret_waits) {
        uint32_t waits = 0;

        for (;;) {
                Outcome o = fake_wait_event(f);
                if (o.state == JOB_WAITING) {
                        waits++;
                        continue;
                }
                cr_assert_eq(o.state, JOB_FINISHED);
                cr_assert_eq(o.pages_planned,
                             o.pages_moved + o.pages_failed + o.pages_retry + o.pages_gone +
                                     o.pages_shared,
                             "planned %" PRIu64 " moved %" PRIu64 " failed %" PRIu64
                             " retry %" PRIu64 " gone %" PRIu64 " shared %" PRIu64,
                             o.pages_planned, o.pages_moved, o.pages_failed, o.pages_retry,
                             o.pages_gone, o.pages_shared);
                cr_assert_eq(o.bytes_moved, o.pages_moved * FAKE_PAGE_BYTES);
                cr_assert(o.finished_ns >= o.started_ns && o.started_ns >= o.queued_ns);
                if (ret_waits)
                        *ret_waits = waits;
                return o;
        }
}

void fake_wait_hook(Fake *f) {
        const struct timespec t = { .tv_nsec = 1000 * 1000 };

        for (int i = 0; !atomic_load(&f->hooked); i++) {
                cr_assert(i < 10000, "the hook was not called");
                nanosleep(&t, NULL);
        }
}

uint32_t fake_pages_on(const Fake *f, int node) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < f->n_pages; i++)
                n += f->pages[i].node == node;
        return n;
}

void fake_assert_calls(const Fake *f, const char *expected) {
        char calls[4096] = "";

        for (const char *line = f->log; *line; line = strchr(line, '\n') + 1)
                if (strncmp(line, "sleep", 5) != 0)
                        strncat(calls, line, strcspn(line, "@\n"));
        cr_assert_str_eq(calls, expected, "log:\n%s", f->log);
}

void fake_assert_places(const Fake *f, const char *expected) {
        char places[4096] = "";
        uint32_t n, page;
        uint64_t ms;

        for (const char *line = f->log; *line; line = strchr(line, '\n') + 1)
                if (sscanf(line, "move %u @%" SCNu64 " page %u", &n, &ms, &page) == 3)
                        snprintf(places + strlen(places), sizeof(places) - strlen(places), "%u+%u ",
                                 page, n);
        cr_assert_str_eq(places, expected, "log:\n%s", f->log);
}

AddressRange fake_range(uint32_t first_page, uint32_t n) {
        uint64_t start = FAKE_BASE + (uint64_t)first_page * FAKE_PAGE_BYTES;

        return (AddressRange) { .start = start, .end = start + (uint64_t)n * FAKE_PAGE_BYTES };
}
