/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "model/topology.h"
#include "system/root.h"

/* Where the pages at these addresses are: ret_node[i] = dense node index, or a negative errno
 * (-ENOENT not present, -EFAULT no mapping or zero page, -EACCES). Asks move_pages with
 * nodes = NULL; n is split into bounded calls. Negative errno when the call itself fails (-ESRCH,
 * -EPERM). Source: move_pages(2). */
int residency_query(const Topology *t, pid_t pid, const uint64_t *addresses, uint32_t n,
                    int32_t *ret_node);

/* Picks at most max_pages page addresses spread evenly (with jitter from `seed`) over the private
 * writable mappings of proc/PID/maps; ret_addresses has room for max_pages. A mapping larger than
 * largest_bytes counts as that large, so that a huge reservation does not draw all picks. *ret_n is 0
 * when there are no such mappings. -ESRCH, -EACCES, -EBADMSG as maps_read. */
int residency_pick(const SystemRoot *root, pid_t pid, uint32_t max_pages, uint64_t largest_bytes,
                   uint64_t seed, uint64_t *ret_addresses, uint32_t *ret_n);

/* Estimates ret_bytes[t->n_nodes], the resident bytes of the process per node, by querying the
 * addresses that residency_pick chooses and scaling the shares of those present to rss_bytes. Where
 * hardly any is present (small heaps beside a huge reservation), it asks once more with no mapping
 * counted larger than rss_bytes. -ENODATA: none is present; errors of residency_pick and
 * residency_query. */
int residency_sample(const SystemRoot *root, const Topology *t, pid_t pid, uint32_t max_pages,
                     uint64_t seed, uint64_t rss_bytes, uint64_t *ret_bytes);
