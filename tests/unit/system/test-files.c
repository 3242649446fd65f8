/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/file.h"

#include <sys/mman.h>

#include "machine.h"
#include "system/device_memory.h"
#include "system/maps.h"
#include "system/residency.h"
#include "system/topology_read.h"

static Machine m;

static void begin(void) {
        machine_new(&m);
        machine_open(&m);
}

static void end(void) {
        machine_free(&m);
}

TestSuite(file, .init = begin, .fini = end);
TestSuite(maps, .init = begin, .fini = end);

Test(file, read_is_bounded) {
        char buffer[8];

        machine_file(&m, "proc/f", "1234567");
        cr_assert_eq(file_read(m.root.proc_fd, "f", buffer, sizeof(buffer)), 7);
        cr_assert_str_eq(buffer, "1234567");
        machine_file(&m, "proc/f", "12345678");
        cr_assert_eq(file_read(m.root.proc_fd, "f", buffer, sizeof(buffer)), -EFBIG);
        machine_file(&m, "proc/f", "%s", "");
        cr_assert_eq(file_read(m.root.proc_fd, "f", buffer, sizeof(buffer)), 0);
        cr_assert_str_eq(buffer, "");
        cr_assert_eq(file_read(m.root.proc_fd, "missing", buffer, sizeof(buffer)), -ENOENT);
        cr_assert_eq(file_read(m.root.proc_fd, ".", buffer, sizeof(buffer)), -EISDIR);
}

typedef struct Seen {
        unsigned lines;
        size_t bytes;
        char last[16];
        unsigned stop_at;
} Seen;

static int see(char *line, void *userdata) {
        Seen *seen = userdata;

        seen->bytes += strlen(line);
        snprintf(seen->last, sizeof(seen->last), "%s", line);
        return ++seen->lines == seen->stop_at ? 42 : 0;
}

Test(file, lines) {
        Seen seen = {};

        machine_file(&m, "proc/f", "one\n\nthree\n");
        cr_assert_eq(file_read_lines(m.root.proc_fd, "f", see, &seen), 0);
        cr_assert_eq(seen.lines, 3);
        cr_assert_str_eq(seen.last, "three");

        seen = (Seen) {};
        machine_file(&m, "proc/f", "one\ntwo");
        cr_assert_eq(file_read_lines(m.root.proc_fd, "f", see, &seen), 1, "ends inside a line");
        cr_assert_str_eq(seen.last, "two");

        seen = (Seen) { .stop_at = 1 };
        cr_assert_eq(file_read_lines(m.root.proc_fd, "f", see, &seen), 42);
        cr_assert_eq(seen.lines, 1);

        seen = (Seen) {};
        machine_file(&m, "proc/f", "%s", "");
        cr_assert_eq(file_read_lines(m.root.proc_fd, "f", see, &seen), 0);
        cr_assert_eq(seen.lines, 0);
}

/* Lines around the size of the buffer: whole up to FILE_LINE_BYTES - 2, cut above; the next line is
 * always whole. */
Test(file, long_lines) {
        for (size_t n = FILE_LINE_BYTES - 3; n <= FILE_LINE_BYTES + 3; n++) {
                char *text = malloc(n + 8);
                size_t whole = n < FILE_LINE_BYTES - 1 ? n : FILE_LINE_BYTES - 1;
                Seen seen = {};

                memset(text, 'x', n);
                strcpy(text + n, "\nnext\n");
                tempdir_write(&m.dir, "proc/f", text);
                cr_assert_eq(file_read_lines(m.root.proc_fd, "f", see, &seen), 0);
                cr_assert_eq(seen.lines, 2, "%zu", n);
                cr_assert_eq(seen.bytes, whole + 4, "%zu: %zu", n, seen.bytes);
                cr_assert_str_eq(seen.last, "next");
                free(text);
        }
}

typedef struct Mappings {
        Mapping mapping[8];
        char name[8][64];
        unsigned n;
} Mappings;

static int keep(const Mapping *mapping, void *userdata) {
        Mappings *all = userdata;

        cr_assert_lt(all->n, 8);
        snprintf(all->name[all->n], sizeof(all->name[0]), "%s", mapping->name);
        all->mapping[all->n++] = *mapping;
        return 0;
}

Test(maps, parses) {
        Mappings all = {};

        machine_file(&m, "proc/7/maps",
                     "55f1c4e00000-55f1c4e22000 r--p 00000000 fe:01 131 /usr/bin/a b\\012c\n"
                     "55f1c6000000-55f1c6021000 rw-p 00000000 00:00 0                [heap]\n"
                     "7f0000000000-7f0040000000 rw-s 00000000 00:05 77 /dev/zero (deleted)\n"
                     "7f1000000000-7f1000001000 rw-p 00000000 00:00 0 \n"
                     "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n");
        cr_assert_eq(maps_read(&m.root, 7, keep, &all), 0);
        cr_assert_eq(all.n, 5);
        cr_assert_eq(all.mapping[0].start, 0x55f1c4e00000);
        cr_assert_eq(all.mapping[0].end, 0x55f1c4e22000);
        cr_assert(all.mapping[0].file && !all.mapping[0].writable && all.mapping[0].readable);
        cr_assert_str_eq(all.name[0], "/usr/bin/a b\\012c");
        cr_assert(!all.mapping[1].file && all.mapping[1].writable && !all.mapping[1].shared);
        cr_assert_str_eq(all.name[1], "[heap]");
        cr_assert(all.mapping[2].shared && all.mapping[2].file);
        cr_assert_str_eq(all.name[3], "");
        cr_assert(!all.mapping[4].readable && !all.mapping[4].writable);
        cr_assert_eq(maps_read(&m.root, 8, keep, &all), -ESRCH);
}

Test(maps, memory_of_devices) {
        static const struct {
                const char *name;
                bool sign;
        } rows[] = {
                { "/dev/infiniband/uverbs0", true },
                { "anon_inode:[vfio-device]", true },
                { "/dev/vfio/12", true },
                { "/dev/uio0", true },
                { "/sys/devices/pci0000:3a/0000:3a:00.0/resource0", true },
                { "/dev/hugepages/rtemap_0", true },
                { "/mnt/huge-1G/rtemap_12 (deleted)", true },
                { "", false },
                { "[heap]", false },
                { "/dev/zero (deleted)", false },
                { "/usr/lib/x86_64-linux-gnu/libibverbs.so.1.14.44", false },
                { "/srv/resource0", false },
                { "/sys/kernel/btf/vmlinux", false },
        };
        bool found;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                cr_expect_eq(device_memory_is_sign(rows[i].name), rows[i].sign, "<%s>",
                             rows[i].name);
                machine_file(&m, "proc/7/maps",
                             "55f1c6000000-55f1c6021000 rw-p 00000000 00:00 0 [heap]\n"
                             "7f0000000000-7f0040000000 rw-s 00000000 00:05 77 %s\n",
                             rows[i].name);
                found = !rows[i].sign;
                cr_assert_eq(device_memory_find(&m.root, 7, &found), 0);
                cr_expect_eq(found, rows[i].sign, "<%s>", rows[i].name);
        }
        cr_expect_eq(device_memory_find(&m.root, 8, &found), -ESRCH);
        machine_file(&m, "proc/7/maps", "?\n");
        cr_expect_eq(device_memory_find(&m.root, 7, &found), -EBADMSG);
}

Test(maps, refuses_junk) {
        static const char *const rows[] = {
                "\n",
                "1000\n",
                "1000-\n",
                "-2000 rw-p 0 0:0 0\n",
                "1000-2000\n",
                "1000-2000 \n",
                "1000-2000 rw-\n",
                "1000-2000 rw-p\n",
                "1000-2000 rw-p \n",
                "1000-2000 rw-p 0\n",
                "1000-2000 rw-p 0 00:00\n",
                "1000-2000 rw-p 0 00:00 x\n",
                "2000-1000 rw-p 0 00:00 0\n",
                "1000-1000 rw-p 0 00:00 0\n",
                "g000-h000 rw-p 0 00:00 0\n",
                "11111111111111111-2 rw-p 0 00:00 0\n",
        };
        Mappings all = {};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                machine_file(&m, "proc/7/maps", "%s", rows[i]);
                cr_expect_eq(maps_read(&m.root, 7, keep, &all), -EBADMSG, "<%s>", rows[i]);
        }
        cr_assert_eq(all.n, 0);
}

/* Picks lie in private writable mappings, spread over all of them in proportion, ascending. */
Test(maps, residency_picks) {
        uint64_t addresses[64], page = (uint64_t)sysconf(_SC_PAGESIZE);
        unsigned in_large = 0;
        uint32_t n = 0;

        machine_file(&m, "proc/7/maps",
                     "10000000-10010000 rw-p 0 00:00 0\n"
                     "20000000-20040000 r--p 0 00:00 0\n"
                     "30000000-30030000 rw-p 0 fe:01 9 /x\n"
                     "40000000-80000000 rw-s 0 00:05 77 /dev/zero\n");
        cr_assert_eq(residency_pick(&m.root, 7, 64, UINT64_MAX, 5, addresses, &n), 0);
        cr_assert_eq(n, 64);
        for (uint32_t i = 0; i < n; i++) {
                bool small = addresses[i] >= 0x10000000 && addresses[i] < 0x10010000;
                bool large = addresses[i] >= 0x30000000 && addresses[i] < 0x30030000;

                cr_expect(small || large, "%llx", (unsigned long long)addresses[i]);
                cr_expect_eq(addresses[i] % page, 0);
                cr_expect(i == 0 || addresses[i] >= addresses[i - 1]);
                in_large += large;
        }
        cr_assert_eq(in_large, 48, "three quarters of the memory, three quarters of the picks");

        /* a reservation counts as no more than told, but picks reach its end */
        machine_file(&m, "proc/7/maps",
                     "10000000-10010000 rw-p 0 00:00 0\n"
                     "7f0000000000-7f1000000000 rw-p 0 00:00 0\n");
        cr_assert_eq(residency_pick(&m.root, 7, 64, UINT64_MAX, 5, addresses, &n), 0);
        cr_assert_geq(addresses[1], 0x7f0000000000);
        cr_assert_eq(residency_pick(&m.root, 7, 64, 0x10000, 5, addresses, &n), 0);
        cr_assert_eq(n, 32, "one pick per page that counts");
        cr_assert_eq(addresses[15], 0x1000f000);
        cr_assert_eq(addresses[16], 0x7f0000000000);
        cr_assert_geq(addresses[31], 0x7f0f00000000);

        /* fewer pages than picks: each page once */
        cr_assert_eq(page, 4096, "the mappings below count on 4 KiB pages");
        machine_file(&m, "proc/7/maps", "10000000-10003000 rw-p 0 00:00 0\n");
        cr_assert_eq(residency_pick(&m.root, 7, 64, UINT64_MAX, 0, addresses, &n), 0);
        cr_assert_eq(n, 3);
        cr_assert_eq(addresses[2], 0x10002000);
        machine_file(&m, "proc/7/maps", "10000000-10003000 r--p 0 00:00 0\n");
        cr_assert_eq(residency_pick(&m.root, 7, 64, UINT64_MAX, 0, addresses, &n), 0);
        cr_assert_eq(n, 0);
}

/* Asks the running kernel about memory of this test. */
Test(residency, real) {
        const size_t pages = 1500;
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        uint64_t *addresses = calloc(pages, sizeof(*addresses)), bytes[NODES_MAX], sum = 0;
        int32_t *nodes = calloc(pages, sizeof(*nodes));
        char *memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0);
        static Topology t;
        SystemRoot root;
        int r;

        cr_assert_neq(memory, MAP_FAILED);
        cr_assert_eq(madvise(memory, pages * page, MADV_NOHUGEPAGE), 0);
        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(topology_read(&t, &root), 0);
        for (size_t i = 0; i < pages; i++) {
                addresses[i] = (uint64_t)(uintptr_t)memory + i * page;
                if (i % 2)
                        memory[i * page] = 1;
        }
        r = residency_query(&t, getpid(), addresses, (uint32_t)pages, nodes);
        if (r == -ENOSYS || r == -EPERM)
                cr_skip_test("move_pages is not available here");
        cr_assert_eq(r, 0, "%d", r);
        for (size_t i = 0; i < pages; i++)
                if (i % 2)
                        cr_expect(nodes[i] >= 0 && nodes[i] < (int)t.n_nodes, "page %zu: %d", i,
                                  nodes[i]);
                else
                        cr_expect(nodes[i] == -ENOENT || nodes[i] == -EFAULT, "page %zu: %d", i,
                                  nodes[i]);
        /* whatever else this process reserved: the pages of the test are among those picked */
        cr_assert_eq(residency_sample(&root, &t, getpid(), 1024, 1, 1000000, bytes), 0);
        for (uint32_t i = 0; i < t.n_nodes; i++)
                sum += bytes[i];
        cr_assert(sum <= 1000000 && sum + t.n_nodes >= 1000000, "%llu", (unsigned long long)sum);
        cr_assert_eq(residency_query(&t, 0x3fffffff, addresses, 1, nodes), -ESRCH);
        system_root_close(&root);
        munmap(memory, pages * page);
        free(addresses);
        free(nodes);
}
