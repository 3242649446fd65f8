/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "model/recording_fields.h"
#include "model/recording_parse.h"
#include "model/recording_regions.h"

/* Matrix cells of one process: access, waited, cpu_ns. */
static size_t cells_of(uint32_t n_nodes) {
        return (2 * (size_t)n_nodes + 1) * n_nodes;
}

struct Recording {
        FILE *file;
        char *line; /* of getline */
        size_t line_allocated;
        unsigned line_number;
        Topology topology;
        Settings settings;
        NodeState nodes[NODES_MAX];
        RecordedProcess *processes;
        ProcessView *views;
        double *cells;      /* [n_processes][cells_of()] */
        uint64_t *resident; /* [n_processes][n_nodes] */
        RecordedRegions regions;
        AddressRange *ranges; /* of the outcome that follows, or NULL */
        uint32_t n_ranges;
        bool ranges_pending;
        size_t n_processes;
        size_t allocated;
        RecordedProcess after; /* evidence of a review */
        RecordingEvent last;   /* last snapshot */
        uint64_t repeats;      /* of it still to come */
        uint64_t repeat_interval_ns;
};

/* Next line without its newline: 1, 0 at the end. Comments (#) and empty lines are skipped. */
static int next_line(Recording *r) {
        ssize_t n;

        do {
                n = getline(&r->line, &r->line_allocated, r->file);
                if (n < 0)
                        return 0;
                r->line_number++;
                if (n > 0 && r->line[n - 1] == '\n')
                        r->line[n - 1] = 0;
        } while (r->line[0] == 0 || r->line[0] == '#');
        return 1;
}

/* Cuts the keyword off the line; *rest is what follows. */
static const char *take_keyword(Recording *r, char **rest) {
        *rest = r->line;
        return strsep(rest, " ");
}

/* Numbers that must fit a distance. */
static int parse_distances(char *list, uint16_t *row, uint32_t n) {
        double values[NODES_MAX] = {};

        if (recording_parse_numbers(list, values, n) < 0)
                return -EBADMSG;
        for (uint32_t i = 0; i < n; i++) {
                if (!(values[i] >= 0 && values[i] <= UINT16_MAX))
                        return -EBADMSG;
                row[i] = (uint16_t)values[i];
        }
        return 0;
}

static int read_node(Recording *r, char *rest, uint32_t expected) {
        Topology *t = &r->topology;
        char *key, *value;
        uint64_t u = 0;
        int k;

        while ((k = recording_take_pair(&rest, &key, &value)) > 0) {
                if (strcmp(key, "distances") == 0) {
                        if (parse_distances(value, t->distance[expected], t->n_nodes) < 0)
                                return -EBADMSG;
                        continue;
                }
                if (strcmp(key, "hmat") == 0) {
                        if (recording_parse_numbers(value, t->hmat_latency_ns[expected],
                                                    t->n_nodes) < 0)
                                return -EBADMSG;
                        continue;
                }
                if (parse_u64(value, UINT64_MAX, &u) < 0)
                        return -EBADMSG;
                if (strcmp(key, "index") == 0 && u == expected)
                        continue;
                if (strcmp(key, "id") == 0 && u <= INT32_MAX)
                        t->node_id[expected] = (int32_t)u;
                else if (strcmp(key, "cpu") == 0)
                        t->has_cpu[expected] = u;
                else if (strcmp(key, "memory") == 0)
                        t->has_memory[expected] = u;
                else if (strcmp(key, "total_bytes") == 0)
                        t->total_bytes[expected] = u;
                else
                        return -EBADMSG;
        }
        return k;
}

static int read_topology(Recording *r) {
        RecordingWanted nodes = { "nodes", NODES_MAX, 0 };
        const char *keyword;
        char *rest;

        /* Version 1 had no regions. */
        if (next_line(r) <= 0 || (strcmp(r->line, "numabalancer-recording 1") != 0 &&
                                  strcmp(r->line, "numabalancer-recording 2") != 0))
                return -EBADMSG;
        if (next_line(r) <= 0 || strcmp(take_keyword(r, &rest), "topology") != 0 ||
            recording_parse_wanted(rest, &nodes, 1) < 0 || nodes.value == 0)
                return -EBADMSG;
        r->topology.n_nodes = (uint32_t)nodes.value;
        for (uint32_t i = 0; i < r->topology.n_nodes; i++) {
                if (next_line(r) <= 0)
                        return -EBADMSG;
                keyword = take_keyword(r, &rest);
                if (strcmp(keyword, "node") != 0 || read_node(r, rest, i) < 0)
                        return -EBADMSG;
        }
        return 0;
}

static int read_distances(Recording *r, char *rest) {
        char *key, *value;
        uint64_t row;

        if (recording_take_pair(&rest, &key, &value) <= 0 || strcmp(key, "row") != 0 ||
            parse_u64(value, r->topology.n_nodes - 1, &row) < 0 ||
            recording_take_pair(&rest, &key, &value) <= 0 || strcmp(key, "values") != 0)
                return -EBADMSG;
        r->settings.n_distances = r->topology.n_nodes;
        return parse_distances(value, r->settings.distances[row], r->topology.n_nodes);
}

static FieldType type_of_setting(SettingType type) {
        switch (type) {
        case SETTING_BOOL:
                return FIELD_BOOL;
        case SETTING_UINT:
                return FIELD_U32;
        case SETTING_FLOAT:
                return FIELD_DOUBLE;
        case SETTING_SIZE:
        case SETTING_DURATION:
                return FIELD_U64;
        default:
                return FIELD_INT;
        }
}

static int read_setting(Recording *r, char *rest) {
        char *key, *value, name[64];
        const SettingInfo *infos;
        size_t n;

        if (recording_take_pair(&rest, &key, &value) <= 0)
                return -EBADMSG;
        infos = settings_infos(&n);
        for (size_t i = 0; i < n; i++) {
                snprintf(name, sizeof(name), "%s%s%s", infos[i].group, *infos[i].group ? "." : "",
                         infos[i].key);
                if (strcmp(name, key) == 0)
                        return recording_parse_field(&(Field) { key, type_of_setting(infos[i].type),
                                                                infos[i].offset, 0 },
                                                     &r->settings, value);
        }
        return -EBADMSG;
}

int recording_open(Recording **ret, FILE *f) {
        Recording *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->file = f;
        settings_init(&r->settings);
        *ret = r;
        return read_topology(r);
}

Recording *recording_free(Recording *r) {
        if (r) {
                free(r->line);
                free(r->processes);
                free(r->views);
                free(r->cells);
                free(r->resident);
                free(r->regions.regions);
                free(r->ranges);
                free(r->after.evidence.access);
                free(r);
        }
        return NULL;
}

const Topology *recording_topology(const Recording *r) {
        return &r->topology;
}

const Settings *recording_settings(const Recording *r) {
        return &r->settings;
}

unsigned recording_line(const Recording *r) {
        return r->line_number;
}

static int grow(Recording *r) {
        size_t n = r->allocated ? 2 * r->allocated : 16, nodes = r->topology.n_nodes;
        void *p;

        if (r->n_processes >= PROCESSES_MAX)
                return -EBADMSG;
        if (r->n_processes < r->allocated)
                return 0;
#define GROW(member, width)                                                                        \
        p = reallocarray(r->member, n, (width) * sizeof(*r->member));                              \
        if (!p)                                                                                    \
                return -ENOMEM;                                                                    \
        r->member = p
        GROW(processes, 1);
        GROW(views, 1);
        GROW(cells, cells_of((uint32_t)nodes));
        GROW(resident, nodes);
#undef GROW
        r->allocated = n;
        return 0;
}

static void point_evidence(Evidence *e, double *cells, uint32_t n_nodes) {
        e->n_nodes = n_nodes;
        e->access = cells;
        e->waited = cells + (size_t)n_nodes * n_nodes;
        e->cpu_ns = e->waited + (size_t)n_nodes * n_nodes;
}

/* Into p's evidence, whose matrices begin at cells. */
static int read_evidence(Recording *r, RecordedProcess *p, double *cells, char *rest) {
        uint32_t n = r->topology.n_nodes;
        char *key, *value;
        int k;

        memset(cells, 0, cells_of(n) * sizeof(*cells));
        point_evidence(&p->evidence, cells, n);
        p->has_evidence = true;
        while ((k = recording_take_pair(&rest, &key, &value)) > 0) {
                const Field *field = recording_find_field(recording_evidence_fields, key);

                if (field)
                        k = recording_parse_field(field, &p->evidence, value);
                else if (strcmp(key, "cpu_ns") == 0)
                        k = recording_parse_numbers(value, p->evidence.cpu_ns, n);
                else if (strcmp(key, "access") == 0)
                        k = recording_parse_accesses(value, &p->evidence);
                else
                        k = -EBADMSG;
                if (k < 0)
                        return k;
        }
        return k;
}

static int read_process(Recording *r, char *rest) {
        int k;

        k = grow(r);
        if (k < 0)
                return k;
        r->processes[r->n_processes] = (RecordedProcess) { .first_region = r->regions.n };
        return recording_parse_fields(recording_process_fields, &r->processes[r->n_processes++],
                                      rest);
}

static int read_resident(Recording *r, char *rest) {
        uint64_t *resident = r->resident + (r->n_processes - 1) * r->topology.n_nodes;
        char *key, *list;
        uint32_t i = 0;

        if (recording_take_pair(&rest, &key, &list) <= 0 || strcmp(key, "bytes") != 0)
                return -EBADMSG;
        while (list)
                if (i >= r->topology.n_nodes ||
                    parse_u64(strsep(&list, ","), UINT64_MAX, &resident[i++]) < 0)
                        return -EBADMSG;
        r->processes[r->n_processes - 1].has_resident = true;
        return i == r->topology.n_nodes ? 0 : -EBADMSG;
}

static int read_available(Recording *r, char *rest) {
        RecordingWanted w[] = { { "node", r->topology.n_nodes - 1, 0 },
                                { "bytes", UINT64_MAX, 0 },
                                { "high_watermark_bytes", UINT64_MAX, 0 },
                                { "blocked_until_ns", UINT64_MAX, 0 } };
        int k = recording_parse_wanted(rest, w, 4);

        if (k >= 0)
                r->nodes[w[0].value] = (NodeState) { w[1].value, w[2].value, w[3].value };
        return k;
}

static int read_region(Recording *r, char *rest) {
        RecordedProcess *p = &r->processes[r->n_processes - 1];
        int k = recording_parse_region(rest, r->topology.n_nodes, &r->regions);

        p->n_regions = r->regions.n - p->first_region;
        return p->n_regions > REGIONS_PER_PROCESS_MAX ? -EBADMSG : k;
}

/* A line between "snapshot" and "end". */
static int read_snapshot_line(Recording *r) {
        char *rest;
        const char *keyword = take_keyword(r, &rest);

        if (strcmp(keyword, "available") == 0)
                return read_available(r, rest);
        if (strcmp(keyword, "process") == 0)
                return read_process(r, rest);
        if (r->n_processes == 0)
                return -EBADMSG;
        if (strcmp(keyword, "evidence") == 0)
                return read_evidence(
                        r, &r->processes[r->n_processes - 1],
                        r->cells + (r->n_processes - 1) * cells_of(r->topology.n_nodes), rest);
        if (strcmp(keyword, "resident") == 0)
                return read_resident(r, rest);
        if (strcmp(keyword, "region") == 0)
                return read_region(r, rest);
        return -EBADMSG;
}

static void build_views(Recording *r) {
        uint32_t n = r->topology.n_nodes;

        for (size_t i = 0; i < r->n_processes; i++) {
                RecordedProcess *p = &r->processes[i];

                point_evidence(&p->evidence, r->cells + i * cells_of(n), n);
                r->views[i] = (ProcessView) {
                        .info = &p->info,
                        .evidence = p->has_evidence ? &p->evidence : NULL,
                        .resident_bytes = p->has_resident ? r->resident + i * n : NULL,
                        .exec_id = p->exec_id,
                        .busy = p->busy,
                        .regions = p->n_regions > 0 ? r->regions.regions + p->first_region : NULL,
                        .n_regions = p->n_regions,
                };
        }
}

static int read_snapshot(Recording *r, char *rest, RecordingEvent *ret) {
        RecordingWanted w[] = { { "now_ns", UINT64_MAX, 0 },
                                { "self", INT32_MAX, 0 },
                                { "other_mover", 1, 0 } };
        int k;

        if (recording_parse_wanted(rest, w, 3) < 0)
                return -EBADMSG;
        r->n_processes = 0;
        r->regions.n = 0;
        memset(r->nodes, 0, sizeof(r->nodes));
        for (;;) {
                if (next_line(r) <= 0)
                        return -EBADMSG;
                if (strcmp(r->line, "end") == 0)
                        break;
                k = read_snapshot_line(r);
                if (k < 0)
                        return k;
        }
        build_views(r);
        *ret = r->last = (RecordingEvent) {
                .kind = RECORDING_SNAPSHOT,
                .now_ns = w[0].value,
                .snapshot = { .topology = &r->topology,
                              .nodes = r->nodes,
                              .processes = r->views,
                              .n_processes = r->n_processes,
                              .self = (pid_t)w[1].value,
                              .other_mover = w[2].value != 0 },
        };
        return 1;
}

static int read_outcome(Recording *r, char *rest, RecordingEvent *ret) {
        char *key, *value;

        *ret = (RecordingEvent) { .kind = RECORDING_OUTCOME,
                                  .outcome = { .state = JOB_FINISHED, .remote_after = NAN } };
        if (recording_take_pair(&rest, &key, &value) <= 0 || strcmp(key, "now_ns") != 0 ||
            parse_u64(value, UINT64_MAX, &ret->now_ns) < 0 ||
            recording_parse_fields(recording_outcome_fields, &ret->outcome, rest) < 0)
                return -EBADMSG;
        if (r->ranges_pending) {
                ret->outcome.move.ranges = r->ranges;
                ret->outcome.move.n_ranges = r->n_ranges;
        }
        r->ranges_pending = false;
        return 1;
}

static int read_review(Recording *r, char *rest, RecordingEvent *ret) {
        int k;

        k = read_outcome(r, rest, ret);
        if (k < 0)
                return k;
        ret->kind = RECORDING_REVIEW;
        if (next_line(r) <= 0)
                return -EBADMSG;
        if (strcmp(r->line, "end") == 0)
                return 1;
        if (strcmp(take_keyword(r, &rest), "evidence") != 0)
                return -EBADMSG;
        if (!r->after.evidence.access)
                r->after.evidence.access = calloc(cells_of(r->topology.n_nodes), sizeof(double));
        if (!r->after.evidence.access)
                return -ENOMEM;
        k = read_evidence(r, &r->after, r->after.evidence.access, rest);
        if (k < 0 || next_line(r) <= 0 || strcmp(r->line, "end") != 0)
                return -EBADMSG;
        ret->after = &r->after.evidence;
        return 1;
}

static int read_ranges(Recording *r, char *rest) {
        char *key, *value;

        if (recording_take_pair(&rest, &key, &value) <= 0 || strcmp(key, "of") != 0)
                return -EBADMSG;
        r->ranges_pending = true;
        return recording_parse_ranges(value, &r->ranges, &r->n_ranges);
}

static int read_repeat(Recording *r, char *rest) {
        RecordingWanted w[] = { { "n", 1000000, 0 }, { "interval_ns", UINT64_MAX, 0 } };

        if (recording_parse_wanted(rest, w, 2) < 0 || !r->last.snapshot.topology)
                return -EBADMSG;
        r->repeats = w[0].value;
        r->repeat_interval_ns = w[1].value;
        return 0;
}

int recording_next(Recording *r, RecordingEvent *ret) {
        const char *keyword;
        char *rest;

        for (;;) {
                if (r->repeats > 0) {
                        r->repeats--;
                        r->last.now_ns += r->repeat_interval_ns;
                        *ret = r->last;
                        return 1;
                }
                if (next_line(r) <= 0)
                        return ferror(r->file) ? -EIO : 0;
                keyword = take_keyword(r, &rest);
                if (strcmp(keyword, "set") == 0) {
                        if (read_setting(r, rest) < 0)
                                return -EBADMSG;
                } else if (strcmp(keyword, "distances") == 0) {
                        if (read_distances(r, rest) < 0)
                                return -EBADMSG;
                } else if (strcmp(keyword, "repeat") == 0) {
                        if (read_repeat(r, rest) < 0)
                                return -EBADMSG;
                } else if (strcmp(keyword, "ranges") == 0) {
                        int k = read_ranges(r, rest);

                        if (k < 0)
                                return k;
                } else if (strcmp(keyword, "snapshot") == 0)
                        return read_snapshot(r, rest, ret);
                else if (strcmp(keyword, "outcome") == 0)
                        return read_outcome(r, rest, ret);
                else if (strcmp(keyword, "review") == 0)
                        return read_review(r, rest, ret);
                else
                        return -EBADMSG;
        }
}
