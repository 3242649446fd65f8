/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/life.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "life.skel.h"
#include "model/limits.h"
#include "records.h"

#define BATCH_ENTRIES 1024

struct Life {
        struct life_bpf *skeleton;
        struct ring_buffer *ring;
        const LifeHandlers *handlers; /* during life_take */
        uint32_t n_new;
        LifeKey added[BATCH_ENTRIES]; /* not yet in the kernel */
        uint32_t values[BATCH_ENTRIES];
};

DEFINE_CLEANUP(Life, life_close)

static LifeKey key_of(ProcessId id) {
        return (LifeKey) { .start_ticks = id.starttime, .tgid = (uint32_t)id.pid };
}

static int on_event(void *userdata, void *data, size_t size) {
        const LifeRecord *record = data;
        Life *l = userdata;
        ProcessId id;

        if (size < sizeof(*record) || record->version != RECORD_VERSION)
                return 0;
        id = (ProcessId) { (pid_t)record->key.tgid, record->key.start_ticks };
        if (record->kind == LIFE_EXIT)
                l->handlers->ended(id, l->handlers->userdata);
        else if (record->kind == LIFE_EXEC)
                l->handlers->executed(id, record->exec_id, l->handlers->userdata);
        return 0;
}

int life_open(Life **ret) {
        cleanup(cleanup_life_closep) Life *l = NULL;
        int r;

        /* A library room is silent. */
        libbpf_set_print(NULL);
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->skeleton = life_bpf__open();
        if (!l->skeleton)
                return -errno;
        r = bpf_map__set_max_entries(l->skeleton->maps.tracked, PROCESSES_MAX);
        if (r >= 0)
                r = life_bpf__load(l->skeleton);
        if (r >= 0)
                r = life_bpf__attach(l->skeleton);
        if (r < 0)
                return r;
        l->ring = ring_buffer__new(bpf_map__fd(l->skeleton->maps.events), on_event, l, NULL);
        if (!l->ring)
                return -errno;
        *ret = TAKE_PTR(l);
        return 0;
}

Life *life_close(Life *l) {
        if (!l)
                return NULL;
        ring_buffer__free(l->ring);
        life_bpf__destroy(l->skeleton);
        free(l);
        return NULL;
}

void life_track(Life *l, ProcessId id) {
        if (!l)
                return;
        if (l->n_new == BATCH_ENTRIES)
                life_flush(l);
        l->added[l->n_new++] = key_of(id);
}

void life_flush(Life *l) {
        uint32_t n;

        if (!l || l->n_new == 0)
                return;
        /* What is refused is forgotten when it has not run for a while. */
        n = l->n_new;
        (void)bpf_map_update_batch(bpf_map__fd(l->skeleton->maps.tracked), l->added, l->values, &n,
                                   NULL);
        l->n_new = 0;
}

void life_untrack(Life *l, ProcessId id) {
        LifeKey key = key_of(id);

        if (l)
                (void)bpf_map_delete_elem(bpf_map__fd(l->skeleton->maps.tracked), &key);
}

void life_take(Life *l, const LifeHandlers *handlers, uint64_t *ret_lost) {
        if (!l)
                return;
        l->handlers = handlers;
        (void)ring_buffer__consume(l->ring);
        *ret_lost = l->skeleton->bss->lost;
}
