/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/format.h"
#include "model/recording_fields.h"
#include "model/recording_regions.h"

static int written(FILE *f) {
        return ferror(f) ? -EIO : 0;
}

static void write_double(FILE *f, double value) {
        char buffer[FORMAT_BYTES];

        fputs(isfinite(value) ? format_double(buffer, value) : "nan", f);
}

static bool is_plain(unsigned char c) {
        return c < 0x80 && (isalnum(c) || (c && strchr("._@:-/", c)));
}

static void write_text(FILE *f, const char *text, size_t size) {
        for (size_t i = 0; i < size && text[i]; i++)
                if (is_plain((unsigned char)text[i]))
                        fputc(text[i], f);
                else
                        fprintf(f, "\\x%02x", (unsigned char)text[i]);
}

static void write_field(FILE *f, const Field *field, const void *base) {
        const char *p = (const char *)base + field->offset;

        fprintf(f, " %s=", field->key);
        switch (field->type) {
        case FIELD_BOOL:
                fputc(*(const bool *)p ? '1' : '0', f);
                break;
        case FIELD_INT:
                fprintf(f, "%d", *(const int *)p);
                break;
        case FIELD_U32:
                fprintf(f, "%" PRIu32, *(const uint32_t *)p);
                break;
        case FIELD_U64:
                fprintf(f, "%" PRIu64, *(const uint64_t *)p);
                break;
        case FIELD_DOUBLE:
                write_double(f, *(const double *)p);
                break;
        case FIELD_TEXT:
                write_text(f, p, field->size);
                break;
        case FIELD_SOURCE:
                fputs(evidence_source_to_string(*(const EvidenceSource *)p), f);
                break;
        case FIELD_REASON:
                fputs(reason_to_string(*(const Reason *)p), f);
                break;
        }
}

static void write_fields(FILE *f, const Field *fields, const void *base) {
        for (const Field *field = fields; field->key; field++)
                write_field(f, field, base);
}

static void write_setting(FILE *f, const SettingInfo *info, const Settings *settings) {
        static const FieldType types[] = {
                [SETTING_MODE] = FIELD_INT,     [SETTING_METHOD] = FIELD_INT,
                [SETTING_SOURCE] = FIELD_INT,   [SETTING_BALANCING] = FIELD_INT,
                [SETTING_BOOL] = FIELD_BOOL,    [SETTING_UINT] = FIELD_U32,
                [SETTING_FLOAT] = FIELD_DOUBLE, [SETTING_SIZE] = FIELD_U64,
                [SETTING_DURATION] = FIELD_U64,
        };
        char key[64];

        snprintf(key, sizeof(key), "%s%s%s", info->group, *info->group ? "." : "", info->key);
        fputs("set", f);
        write_field(f, &(Field) { key, types[info->type], info->offset, 0 }, settings);
        fputc('\n', f);
}

int recording_write_header(FILE *f, const Topology *t, const Settings *settings) {
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        fprintf(f, "numabalancer-recording 2\ntopology nodes=%" PRIu32 "\n", t->n_nodes);
        for (uint32_t i = 0; i < t->n_nodes; i++) {
                fprintf(f,
                        "node index=%" PRIu32 " id=%" PRId32
                        " cpu=%d memory=%d total_bytes=%" PRIu64,
                        i, t->node_id[i], t->has_cpu[i], t->has_memory[i], t->total_bytes[i]);
                for (uint32_t j = 0; j < t->n_nodes; j++)
                        fprintf(f, "%s%u", j ? "," : " distances=", t->distance[i][j]);
                for (uint32_t j = 0; j < t->n_nodes; j++) {
                        fputs(j ? "," : " hmat=", f);
                        write_double(f, t->hmat_latency_ns[i][j]);
                }
                fputc('\n', f);
        }
        for (uint32_t i = 0; i < settings->n_distances && i < NODES_MAX; i++)
                for (uint32_t j = 0; j < settings->n_distances; j++) {
                        if (j == 0)
                                fprintf(f, "distances row=%" PRIu32 " values=", i);
                        fprintf(f, "%u%c", settings->distances[i][j],
                                j + 1 < settings->n_distances ? ',' : '\n');
                }
        for (size_t i = 0; i < n; i++)
                write_setting(f, &infos[i], settings);
        return written(f);
}

static void write_evidence(FILE *f, const Evidence *e) {
        const char *separator = " access=";

        fputs("evidence", f);
        write_fields(f, recording_evidence_fields, e);
        for (uint32_t a = 0; a < e->n_nodes; a++) {
                fputs(a ? "," : " cpu_ns=", f);
                write_double(f, e->cpu_ns[a]);
        }
        for (uint32_t a = 0; a < e->n_nodes; a++)
                for (uint32_t h = 0; h < e->n_nodes; h++) {
                        size_t cell = (size_t)a * e->n_nodes + h;

                        if (e->access[cell] == 0 && e->waited[cell] == 0)
                                continue;
                        fprintf(f, "%s%" PRIu32 ":%" PRIu32 ":", separator, a, h);
                        write_double(f, e->access[cell]);
                        fputc(':', f);
                        write_double(f, e->waited[cell]);
                        separator = ",";
                }
        fputc('\n', f);
}

static void write_process(FILE *f, const ProcessView *view, uint32_t n_nodes) {
        RecordedProcess p = { .info = *view->info, .exec_id = view->exec_id, .busy = view->busy };

        fputs("process", f);
        write_fields(f, recording_process_fields, &p);
        fputc('\n', f);
        if (view->evidence && view->evidence->n_nodes == n_nodes)
                write_evidence(f, view->evidence);
        for (size_t i = 0; i < view->n_regions; i++)
                recording_write_region(f, &view->regions[i]);
        if (!view->resident_bytes)
                return;
        for (uint32_t i = 0; i < n_nodes; i++)
                fprintf(f, "%s%" PRIu64, i ? "," : "resident bytes=", view->resident_bytes[i]);
        fputc('\n', f);
}

int recording_write_snapshot(FILE *f, const Snapshot *snapshot, uint64_t now_ns) {
        fprintf(f, "snapshot now_ns=%" PRIu64 " self=%d other_mover=%d\n", now_ns,
                (int)snapshot->self, snapshot->other_mover);
        for (uint32_t i = 0; i < snapshot->topology->n_nodes; i++)
                fprintf(f,
                        "available node=%" PRIu32 " bytes=%" PRIu64 " high_watermark_bytes=%" PRIu64
                        " blocked_until_ns=%" PRIu64 "\n",
                        i, snapshot->nodes[i].available_bytes,
                        snapshot->nodes[i].high_watermark_bytes,
                        snapshot->nodes[i].blocked_until_ns);
        for (size_t i = 0; i < snapshot->n_processes; i++)
                write_process(f, &snapshot->processes[i], snapshot->topology->n_nodes);
        fputs("end\n", f);
        return written(f);
}

static void write_outcome(FILE *f, const char *keyword, const Outcome *outcome, uint64_t now_ns) {
        recording_write_ranges(f, &outcome->move);
        fprintf(f, "%s now_ns=%" PRIu64, keyword, now_ns);
        write_fields(f, recording_outcome_fields, outcome);
        fputc('\n', f);
}

int recording_write_outcome(FILE *f, const Outcome *outcome, uint64_t now_ns) {
        write_outcome(f, "outcome", outcome, now_ns);
        return written(f);
}

int recording_write_review(FILE *f, const Outcome *outcome, const Evidence *after,
                           uint64_t now_ns) {
        write_outcome(f, "review", outcome, now_ns);
        if (after)
                write_evidence(f, after);
        fputs("end\n", f);
        return written(f);
}
