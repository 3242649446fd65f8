/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "observe/internal.h"

EvidenceSource observer_source(const Observer *o) {
        const SourceSlot *slot = sources_first(o);

        return slot ? slot->type->id : SOURCE_NONE;
}

const char *observer_describe(const Observer *o) {
        return o->description;
}

__attribute__((format(printf, 2, 3))) static void append(Observer *o, const char *format, ...) {
        size_t used = strlen(o->description);
        va_list args;

        va_start(args, format);
        vsnprintf(o->description + used, sizeof(o->description) - used, format, args);
        va_end(args);
}

/* What the sources before the one that runs lack, or all of them. */
static void append_problems(Observer *o, const SourceSlot *first) {
        const char *separator = first ? ", because of the " : "the ";

        for (unsigned i = 0; i < o->n_slots && &o->slots[i] != first; i++) {
                const char *why =
                        o->slots[i].source ? o->slots[i].source->idle : o->slots[i].problem;

                if (!why[0])
                        continue;
                append(o, "%s%s source: %s", separator,
                       evidence_source_to_string(o->slots[i].type->id), why);
                separator = first ? "; of the " : "; the ";
        }
}

void observer_update_description(Observer *o) {
        const SourceSlot *first = sources_first(o);

        o->description[0] = 0;
        if (first)
                first->type->describe(first->source, o->description, sizeof(o->description));
        append_problems(o, first);
        if (first)
                append(o, "; memory policies from %s",
                       policy_reader_has_mappings(o->policy) ? "BPF iterators"
                       : o->policy                           ? "a BPF iterator and numa_maps"
                                                             : "nowhere");
}

double observer_rate_hz(const Observer *o) {
        const SourceSlot *slot = sources_first(o);

        return slot && slot->type->set_rate ? (double)o->choice.tick_hz / o->choice.stride : 0;
}

void observer_count(const Observer *o, Counters *counters) {
        const Counters *const more[] = { &o->ended, &o->ledger.counters };

        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
#define ADD(member, name, meaning) counters->member += more[i]->member;
                COUNTER_TABLE(ADD)
#undef ADD
        }
        counters->regions_dropped += process_table_regions_dropped(o->processes);
        for (unsigned i = 0; i < o->n_slots; i++)
                if (o->slots[i].source && o->slots[i].type->count)
                        o->slots[i].type->count(o->slots[i].source, counters);
        if (o->timekeeper.source && o->timekeeper.type->count)
                o->timekeeper.type->count(o->timekeeper.source, counters);
}

uint64_t observer_run_time_ns(const Observer *o) {
        uint64_t sum = o->ended_run_ns;

        for (unsigned i = 0; i < o->n_slots; i++)
                if (o->slots[i].source && o->slots[i].type->run_time_ns)
                        sum += o->slots[i].type->run_time_ns(o->slots[i].source);
        if (o->timekeeper.source && o->timekeeper.type->run_time_ns)
                sum += o->timekeeper.type->run_time_ns(o->timekeeper.source);
        return sum;
}
