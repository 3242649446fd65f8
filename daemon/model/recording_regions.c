/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording_regions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/parse.h"
#include "model/limits.h"
#include "model/recording_parse.h"
#include "model/topology.h"

static int parse_float(const char *s, float *ret) {
        double value;

        if (!s || recording_parse_number(s, &value) < 0)
                return -EBADMSG;
        *ret = (float)value;
        return 0;
}

/* "NODE:WEIGHT:REMOTE:WAITED,..." */
static int parse_accesses(char *list, uint32_t n_nodes, Region *region) {
        for (int i = 0; list; i++) {
                char *item = strsep(&list, ",");
                RegionAccess *a = &region->access[i];
                uint64_t node;

                if (i >= REGION_ACCESSORS || parse_u64(strsep(&item, ":"), n_nodes - 1, &node) < 0)
                        return -EBADMSG;
                a->node = (int8_t)node;
                if (!item || parse_float(strsep(&item, ":"), &a->weight) < 0 || !item ||
                    parse_float(strsep(&item, ":"), &a->remote) < 0 ||
                    parse_float(item, &a->waited) < 0)
                        return -EBADMSG;
        }
        return 0;
}

static int parse_pair(const char *key, char *value, uint32_t n_nodes, Region *r, uint64_t *ret_n) {
        const struct {
                const char *key;
                uint64_t *value;
        } numbers[] = { { "start", &r->start },
                        { "bytes", &r->bytes },
                        { "mapping", &r->mapping },
                        { "since_ns", &r->since_ns },
                        { "n", ret_n } };
        uint64_t u;

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                if (strcmp(numbers[i].key, key) == 0)
                        return parse_u64(value, UINT64_MAX, numbers[i].value) < 0 ? -EBADMSG : 0;
        if (strcmp(key, "home") == 0) {
                if (parse_u64(value, n_nodes - 1, &u) < 0)
                        return -EBADMSG;
                r->home = (int8_t)u;
                return 0;
        }
        if (strcmp(key, "unmovable") == 0) {
                if (parse_u64(value, 1, &u) < 0)
                        return -EBADMSG;
                r->unmovable = u;
                return 0;
        }
        if (strcmp(key, "other") == 0)
                return parse_float(value, &r->other);
        if (strcmp(key, "access") == 0)
                return parse_accesses(value, n_nodes, r);
        return -EBADMSG;
}

static int reserve(RecordedRegions *regions, uint64_t n) {
        size_t wanted = regions->allocated ? regions->allocated : 64;
        Region *p;

        if (n == 0 || n > REGIONS_PER_PROCESS_MAX || regions->n + n > REGIONS_MAX)
                return -EBADMSG;
        while (wanted < regions->n + n)
                wanted *= 2;
        if (wanted == regions->allocated)
                return 0;
        p = reallocarray(regions->regions, wanted, sizeof(*p));
        if (!p)
                return -ENOMEM;
        regions->regions = p;
        regions->allocated = wanted;
        return 0;
}

int recording_parse_region(char *rest, uint32_t n_nodes, RecordedRegions *regions) {
        Region r = { .bytes = REGION_BYTES, .home = NODE_NONE };
        char *key, *value;
        uint64_t n = 1;
        int k;

        for (int i = 0; i < REGION_ACCESSORS; i++)
                r.access[i].node = NODE_NONE;
        while ((k = recording_take_pair(&rest, &key, &value)) > 0)
                if (parse_pair(key, value, n_nodes, &r, &n) < 0)
                        return -EBADMSG;
        if (k >= 0)
                k = reserve(regions, n);
        for (uint64_t i = 0; k >= 0 && i < n; i++) {
                regions->regions[regions->n++] = r;
                r.start += r.bytes;
        }
        return k;
}

int recording_parse_ranges(char *list, AddressRange **ranges, uint32_t *ret_n) {
        AddressRange *array = calloc(MOVE_RANGES_MAX, sizeof(*array));
        uint32_t n = 0;
        int r = array ? 0 : -ENOMEM;

        for (; r == 0 && list; n++) {
                char *item = strsep(&list, ",");

                if (n >= MOVE_RANGES_MAX ||
                    parse_u64(strsep(&item, "-"), UINT64_MAX, &array[n].start) < 0 || !item ||
                    parse_u64(item, UINT64_MAX, &array[n].end) < 0)
                        r = -EBADMSG;
        }
        if (r < 0) {
                free(array);
                return r;
        }
        free(*ranges);
        *ranges = array;
        *ret_n = n;
        return 0;
}

void recording_write_region(FILE *f, const Region *r) {
        const char *separator = " access=";
        char a[FORMAT_BYTES], b[FORMAT_BYTES], c[FORMAT_BYTES];

        fprintf(f,
                "region start=%" PRIu64 " bytes=%" PRIu64 " mapping=%" PRIu64 " since_ns=%" PRIu64
                " other=%s unmovable=%d",
                r->start, r->bytes, r->mapping, r->since_ns, format_double(a, (double)r->other),
                r->unmovable);
        if (r->home >= 0)
                fprintf(f, " home=%d", r->home);
        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *x = &r->access[i];

                if (x->node < 0)
                        continue;
                fprintf(f, "%s%d:%s:%s:%s", separator, x->node, format_double(a, (double)x->weight),
                        format_double(b, (double)x->remote), format_double(c, (double)x->waited));
                separator = ",";
        }
        fputc('\n', f);
}

void recording_write_ranges(FILE *f, const Move *move) {
        if (!move->ranges_only || !move->ranges)
                return;
        for (uint32_t i = 0; i < move->n_ranges; i++)
                fprintf(f, "%s%" PRIu64 "-%" PRIu64, i ? "," : "ranges of=", move->ranges[i].start,
                        move->ranges[i].end);
        fputc('\n', f);
}
