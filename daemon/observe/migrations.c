/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/migrations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "migrations.skel.h"
#include "observe/tally.h"
#include "records.h"

#define RECORD_TYPE "trace_event_raw_mm_migrate_pages"

struct MigrationCounter {
        struct migrations_bpf *skeleton;
        PerCpuCounts per_cpu;
        MoveCause cause[RAW_REASONS_MAX]; /* by the kernel's number */
        int number_of_syscall;
        uint64_t callers_full; /* already handed over */
};

DEFINE_CLEANUP(MigrationCounter, migrations_close)
DEFINE_CLEANUP(struct btf, btf__free)

/* Which number stands for which cause in the running kernel. */
static int learn_causes(MigrationCounter *c, char *problem) {
        cleanup(cleanup_btf__freep) struct btf *btf = btf__load_vmlinux_btf();
        const struct btf_type *type;
        const struct btf_enum *e;
        int id;

        for (unsigned i = 0; i < RAW_REASONS_MAX; i++)
                c->cause[i] = MOVE_CAUSE_OTHER;
        c->number_of_syscall = -1;
        if (!btf) {
                snprintf(problem, MIGRATIONS_PROBLEM_BYTES, "the kernel has no type information");
                return -EOPNOTSUPP;
        }
        id = btf__find_by_name_kind(btf, "migrate_reason", BTF_KIND_ENUM);
        if (id < 0 || btf__find_by_name_kind(btf, RECORD_TYPE, BTF_KIND_STRUCT) < 0) {
                snprintf(problem, MIGRATIONS_PROBLEM_BYTES,
                         "the kernel does not tell the types of its tracepoint mm_migrate_pages");
                return -EOPNOTSUPP;
        }
        type = btf__type_by_id(btf, (uint32_t)id);
        e = btf_enum(type);
        for (unsigned i = 0; i < btf_vlen(type); i++) {
                const char *name = btf__name_by_offset(btf, e[i].name_off);

                if (!name || e[i].val < 0 || e[i].val >= RAW_REASONS_MAX)
                        continue;
                c->cause[e[i].val] = move_cause_from_constant(name);
                if (c->cause[e[i].val] == MOVE_CAUSE_SYSCALL)
                        c->number_of_syscall = e[i].val;
        }
        return c->number_of_syscall < 0 ? -EOPNOTSUPP : 0;
}

static int load(MigrationCounter *c, pid_t self, char *problem) {
        int r;

        c->skeleton = migrations_bpf__open();
        if (!c->skeleton)
                return -errno;
        c->skeleton->rodata->self_tgid = (uint32_t)self;
        c->skeleton->rodata->reason_syscall = (uint32_t)c->number_of_syscall;
        r = migrations_bpf__load(c->skeleton);
        if (r >= 0)
                r = migrations_bpf__attach(c->skeleton);
        if (r < 0)
                snprintf(problem, MIGRATIONS_PROBLEM_BYTES,
                         "the program on mm_migrate_pages cannot be loaded: %s", strerror(-r));
        return r;
}

int migrations_open(MigrationCounter **ret, pid_t self, char problem[MIGRATIONS_PROBLEM_BYTES]) {
        cleanup(cleanup_migrations_closep) MigrationCounter *c = NULL;
        int r;

        *problem = '\0';
        libbpf_set_print(NULL);
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        r = per_cpu_open(&c->per_cpu, sizeof(MigrationCounts));
        if (r >= 0)
                r = learn_causes(c, problem);
        if (r >= 0)
                r = load(c, self, problem);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

MigrationCounter *migrations_close(MigrationCounter *c) {
        if (!c)
                return NULL;
        migrations_bpf__destroy(c->skeleton);
        per_cpu_close(&c->per_cpu);
        free(c);
        return NULL;
}

static int add_counts(MigrationCounter *c, uint32_t index, MovedPages *sum) {
        MigrationCounts counts;
        int r = per_cpu_sum(&c->per_cpu, bpf_map__fd(c->skeleton->maps.counts), index, &counts);

        if (r < 0)
                return r;
        sum->moved += counts.moved;
        sum->failed += counts.failed;
        sum->huge_moved += counts.huge_moved;
        return 0;
}

int migrations_read(MigrationCounter *c, KernelMoves *ret) {
        KernelMoves moves = { 0 };
        int r = 0;

        for (uint32_t i = 0; i < RAW_REASONS_MAX && r >= 0; i++) {
                MovedPages *others = &moves.others[c->cause[i]];
                bool ordered = (int)i == c->number_of_syscall;

                r = add_counts(c, i, others);
                /* The daemon's own memory may be moved like any other. */
                if (r >= 0)
                        r = add_counts(c, RAW_REASONS_MAX + i, ordered ? &moves.own : others);
        }
        if (r >= 0)
                *ret = moves;
        return r;
}

size_t migrations_take_foreign(MigrationCounter *c, ForeignMover *ret, size_t max) {
        int fd = bpf_map__fd(c->skeleton->maps.callers);
        uint64_t full;
        uint32_t tgid;
        size_t n = 0;

        while (n < max && bpf_map_get_next_key(fd, NULL, &tgid) == 0) {
                CallerRecord record;

                if (bpf_map_lookup_elem(fd, &tgid, &record) < 0)
                        break;
                ret[n] = (ForeignMover) { .pid = (pid_t)tgid, .pages = record.pages };
                memcpy(ret[n].comm, record.comm, sizeof(ret[n].comm) - 1);
                n++;
                if (bpf_map_delete_elem(fd, &tgid) < 0)
                        break;
        }
        full = c->skeleton->bss->callers_full;
        if (n < max && full > c->callers_full) {
                ret[n++] = (ForeignMover) { .pages = full - c->callers_full };
                c->callers_full = full;
        }
        return n;
}
