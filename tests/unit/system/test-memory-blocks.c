/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/memory_blocks.h"

#include "machine.h"

static Machine m;
static Topology t;

static void begin(void) {
        machine_new(&m);
        machine_two_nodes(&m, &t);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(memory_blocks, .init = begin, .fini = end);

Test(memory_blocks, node_of_an_address) {
        static const struct {
                uint64_t physical;
                int node;
        } rows[] = {
                { 0, 0 },
                { 0x7ffffff, 0 },
                { 0x8000000, NODE_NONE }, /* the hole below 4 GiB */
                { 0x10000000, 1 },
                { 0x1fffffff, NODE_NONE }, /* both nodes list it */
                { 0x20000000, NODE_NONE },
                { UINT64_MAX, NODE_NONE },
        };
        MemoryBlocks *b = NULL;

        machine_file(&m, "sys/devices/system/memory/block_size_bytes", "8000000\n");
        machine_file(&m, "sys/devices/system/node/node0/memory0/state", "online\n");
        machine_file(&m, "sys/devices/system/node/node1/memory2/state", "online\n");
        machine_file(&m, "sys/devices/system/node/node0/memory3/state", "online\n");
        machine_file(&m, "sys/devices/system/node/node1/memory3/state", "online\n");
        machine_file(&m, "sys/devices/system/node/node1/memory_failure/total", "0\n");
        machine_file(&m, "sys/devices/system/node/node1/memory99999999/state", "online\n");
        cr_assert_eq(memory_blocks_read(&b, &m.root, &t), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                cr_expect_eq(memory_blocks_node(b, rows[i].physical), rows[i].node, "%#llx",
                             (unsigned long long)rows[i].physical);
        memory_blocks_free(b);
}

Test(memory_blocks, what_is_missing) {
        MemoryBlocks *b = NULL;

        cr_expect_eq(memory_blocks_read(&b, &m.root, &t), -ENOENT, "no hotplug");
        machine_file(&m, "sys/devices/system/memory/block_size_bytes", "0\n");
        cr_expect_eq(memory_blocks_read(&b, &m.root, &t), -EBADMSG, "no size");
        machine_file(&m, "sys/devices/system/memory/block_size_bytes", "x\n");
        cr_expect_eq(memory_blocks_read(&b, &m.root, &t), -EBADMSG, "not a number");
        cr_expect_null(b);
        cr_expect_null(memory_blocks_free(NULL));
}
