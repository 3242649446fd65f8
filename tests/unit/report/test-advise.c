/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "report/advise.h"

#define GIB (UINT64_C(1) << 30)

/* Four nodes with 4 CPUs and 8 GiB each: 0 and 1 are near to each other, so are 2 and 3. */
static Topology t;
static MachineView v;

static void set_up(void) {
        t = (Topology) { .n_nodes = 4, .n_cpus = 16 };
        v = (MachineView) { .n_nodes = 4 };
        for (int i = 0; i < 4; i++) {
                t.node_id[i] = i;
                t.has_cpu[i] = t.has_memory[i] = true;
                v.nodes[i].available_bytes = 8 * GIB;
                for (int k = 0; k < 4; k++)
                        t.distance[i][k] = i == k ? 10 : i / 2 == k / 2 ? 15 : 30;
        }
        for (int cpu = 0; cpu < 16; cpu++)
                t.cpu_node[cpu] = (int16_t)(cpu / 4);
}

TestSuite(advise, .init = set_up);

Test(advise, one_node_with_room) {
        v.cpu_ns[0] = 3e9;
        v.nodes[1].available_bytes = GIB;
        v.cpu_ns[2] = 1e9;
        cr_assert_eq(advise_nodes(&t, &v, 2, 2 * GIB), 8, "the idlest");
        v.cpu_ns[3] = 4e9;
        cr_assert_eq(advise_nodes(&t, &v, 2, 2 * GIB), 4, "the one that is left");
        cr_assert_eq(advise_nodes(&t, &v, 1, GIB / 2), 4);
}

Test(advise, several_nodes_that_are_near) {
        v.cpu_ns[1] = 4e9;
        cr_assert_eq(advise_nodes(&t, &v, 6, GIB), 12, "2 and 3");
        cr_assert_eq(advise_nodes(&t, &v, 1, 12 * GIB), 12, "for the memory");
}

Test(advise, all_when_nothing_suffices) {
        cr_assert_eq(advise_nodes(&t, &v, 100, GIB), 15);
        cr_assert_eq(advise_nodes(&t, &v, 1, 1000 * GIB), 15);
}

Test(advise, nodes_without_cpus_or_memory_are_left_out) {
        t.has_cpu[3] = false;
        t.has_memory[2] = false;
        cr_assert_eq(advise_nodes(&t, &v, 100, GIB), 3);
        t.has_cpu[0] = t.has_cpu[1] = t.has_cpu[2] = false;
        cr_assert_eq(advise_nodes(&t, &v, 1, GIB), 0);
}

Test(advise, nothing_asked_is_one_node) {
        cr_assert_eq(node_mask_count(advise_nodes(&t, &v, 0, 0)), 1);
}
