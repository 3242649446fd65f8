/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "observe/internal.h"
#include "base/clock.h"

/* A source that failed is tried again this often. */
#define RETRY_NS (60ull * NSEC_PER_SEC)

static const SourceType *const types[EVIDENCE_SOURCE_MAX] = {
        [SOURCE_CLOCK] = &source_clock,
        [SOURCE_HINT] = &source_hint,
        [SOURCE_RESIDENCY] = &source_residency,
        [SOURCE_PEBS] = &source_pebs,
        [SOURCE_IBS] = &source_ibs,
};

/* What "auto" tries, best first. */
static const EvidenceSource automatic[] = { SOURCE_CLOCK, SOURCE_HINT, SOURCE_RESIDENCY };

void source_problem(char problem[PROBLEM_BYTES], const char *format, ...) {
        va_list args;

        va_start(args, format);
        vsnprintf(problem, PROBLEM_BYTES, format, args);
        va_end(args);
}

static int open_slot(Observer *o, SourceSlot *slot, SourceRole role) {
        char problem[PROBLEM_BYTES] = "";
        Source *source = NULL;
        int r, fd;

        r = slot->type->open(&source, o, &o->settings, role, problem);
        if (r < 0) {
                slot->failed_ns = clock_monotonic_ns();
                snprintf(slot->problem, sizeof(slot->problem), "%s",
                         problem[0] ? problem : strerror(-r));
                return r;
        }
        source->type = slot->type;
        source->observer = o;
        fd = source->type->get_fd ? source->type->get_fd(source) : -1;
        if (fd >= 0) {
                struct epoll_event event = { .events = EPOLLIN, .data.ptr = slot };

                if (epoll_ctl(o->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
                        r = -errno;
                        source->type->close(source);
                        return r;
                }
        }
        slot->source = source;
        slot->problem[0] = 0;
        if (source->type->set_rate && role == ROLE_SAMPLES)
                (void)source->type->set_rate(source, o->choice);
        if (source->type->exclude)
                for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older)
                        if (p->excluded)
                                source->type->exclude(source, p->observed.id, true);
        return 0;
}

static void close_slot(Observer *o, SourceSlot *slot) {
        Source *s = slot->source;
        int fd;

        if (!s)
                return;
        if (s->type->count)
                s->type->count(s, &o->ended);
        if (s->type->run_time_ns)
                o->ended_run_ns += s->type->run_time_ns(s);
        fd = s->type->get_fd ? s->type->get_fd(s) : -1;
        if (fd >= 0)
                (void)epoll_ctl(o->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        resolver_forget_source(o->resolver, s->type->id);
        slot->source = NULL;
        s->type->close(s);
}

SourceSlot *sources_next(Observer *o, unsigned *i) {
        while (*i < o->n_slots) {
                SourceSlot *slot = &o->slots[(*i)++];

                if (slot->source)
                        return slot;
        }
        if (*i == o->n_slots) {
                (*i)++;
                if (o->timekeeper.source)
                        return &o->timekeeper;
        }
        return NULL;
}

const SourceSlot *sources_first(const Observer *o) {
        for (unsigned i = 0; i < o->n_slots; i++)
                if (o->slots[i].source && !o->slots[i].source->idle[0])
                        return &o->slots[i];
        return NULL;
}

static bool is_time_counted(Observer *o) {
        unsigned i = 0;
        SourceSlot *slot;

        while ((slot = sources_next(o, &i)))
                if (slot->type->counts_cpu_time)
                        return true;
        return false;
}

/* CPU time from a program of the clock source, else from proc. */
static int keep_time(Observer *o) {
        if (is_time_counted(o)) {
                o->scanner = cpu_scanner_free(o->scanner);
                return 0;
        }
        if (o->settings.source != SOURCE_AUTO && o->settings.source != SOURCE_CLOCK &&
            o->settings.source != SOURCE_RESIDENCY && !o->scanner) {
                o->timekeeper.type = &source_clock;
                if (open_slot(o, &o->timekeeper, ROLE_CPU_TIME) == 0)
                        return 0;
        }
        if (o->scanner)
                return 0;
        o->scan_not_before_ns = 0;
        return cpu_scanner_new(&o->scanner, o->topology, o->root);
}

static void add_slot(Observer *o, EvidenceSource id) {
        if (types[id] && o->n_slots < SLOTS_MAX)
                o->slots[o->n_slots++] = (SourceSlot) { .type = types[id] };
}

static void add_automatic(Observer *o) {
        for (size_t i = 0; i < sizeof(automatic) / sizeof(automatic[0]); i++)
                add_slot(o, automatic[i]);
}

/* Whether the machine, not its administrator, decides if there is such a source: then a configuration
 * that is made for many machines may name it. */
static bool is_of_hardware(int wanted) {
        return wanted == SOURCE_PEBS || wanted == SOURCE_IBS;
}

/* A source that is asked for by name runs alone, but for the processes that it does not see. */
static void choose_slots(Observer *o, int wanted) {
        o->n_slots = 0;
        if (wanted == SOURCE_AUTO) {
                add_automatic(o);
                return;
        }
        add_slot(o, (EvidenceSource)wanted);
        if (wanted != SOURCE_RESIDENCY)
                add_slot(o, SOURCE_RESIDENCY);
}

int sources_open(Observer *o, const Settings *settings) {
        int r, first = -EOPNOTSUPP;

        o->settings = *settings;
        if (settings->source != SOURCE_AUTO &&
            ((unsigned)settings->source >= EVIDENCE_SOURCE_MAX || !types[settings->source]))
                return -EOPNOTSUPP;
        choose_slots(o, settings->source);
        for (unsigned i = 0; i < o->n_slots; i++) {
                r = open_slot(o, &o->slots[i], ROLE_SAMPLES);
                if (i == 0)
                        first = r;
                if (r == 0 || settings->source == SOURCE_AUTO || i > 0)
                        continue;
                if (!is_of_hardware(settings->source))
                        return r;
                o->n_slots = 1;
                add_automatic(o);
        }
        if (!sources_first(o))
                return first;
        return keep_time(o);
}

void sources_close(Observer *o) {
        for (unsigned i = 0; i < o->n_slots; i++)
                close_slot(o, &o->slots[i]);
        close_slot(o, &o->timekeeper);
        o->scanner = cpu_scanner_free(o->scanner);
}

void sources_fail(Observer *o, SourceSlot *slot, const char *problem) {
        close_slot(o, slot);
        slot->failed_ns = clock_monotonic_ns();
        snprintf(slot->problem, sizeof(slot->problem), "%s", problem);
}

void sources_tend(Observer *o, uint64_t now_ns) {
        for (unsigned i = 0; i < o->n_slots; i++)
                if (!o->slots[i].source && now_ns >= o->slots[i].failed_ns + RETRY_NS)
                        (void)open_slot(o, &o->slots[i], ROLE_SAMPLES);
        (void)keep_time(o);
}
