/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>

#include "fake-kernel.h"

/* The sum of a finished job is right whatever happens: fake_wait_end() asserts it. */

static uint32_t next_random(uint64_t *state) {
        *state = *state * 6364136223846793005ull + 1442695040888963407ull;
        return (uint32_t)(*state >> 33);
}

static const int errors[] = { -EBUSY,  -EAGAIN, -EACCES, -ENOENT, -EFAULT, -EIO,  -EINVAL,
                              -ENODEV, -EPERM,  -ESRCH,  -ENOMEM, -EINTR,  -E2BIG };

static int random_error(uint64_t *random) {
        return errors[next_random(random) % (sizeof(errors) / sizeof(errors[0]))];
}

/* Now and then pages come, go, become busy or shared, and the process ends. */
static void disturb(Fake *f, void *userdata) {
        uint64_t *random = userdata;

        for (uint32_t i = 0; i < 4; i++) {
                FakePage *p = &f->pages[next_random(random) % f->n_pages];
                if (p->huge)
                        continue;
                switch (next_random(random) % 12) {
                case 0:
                        p->node = NODE_NONE;
                        break;
                case 1:
                        p->node = (int)(next_random(random) % 4);
                        break;
                case 2:
                        p->shared = !p->shared;
                        break;
                case 3:
                        p->busy = next_random(random) % 30;
                        break;
                case 4:
                        f->room = next_random(random) % 1000;
                        break;
                case 5:
                        if (next_random(random) % 20 == 0)
                                f->starttime = 0;
                        break;
                case 6:
                        if (next_random(random) % 20 == 0)
                                (void)mover_cancel(f->mover, 1);
                        break;
                default:
                        break;
                }
        }
}

static void random_process(Fake *f, uint64_t *random) {
        fake_init(f, 1 + next_random(random) % 3000, 1);
        for (uint32_t i = 0; i < f->n_pages; i++) {
                FakePage *p = &f->pages[i];
                uint32_t kind = next_random(random) % 64;
                p->node = kind < 8 ? (int)(kind % 4) : kind < 12 ? NODE_NONE : 1;
                p->shared = kind == 13;
                p->busy = kind < 20 ? next_random(random) % 24 : 0;
                p->error = next_random(random) % 2 ? random_error(random) : 0;
        }
        /* Some whole units are huge pages. */
        for (uint32_t first = 0; first + 512 <= f->n_pages; first += 512) {
                if (next_random(random) % 2)
                        continue;
                for (uint32_t i = first; i < first + 512; i++)
                        f->pages[i] = (FakePage) { .node = first % 1024 ? 2 : 1, .huge = true };
                f->pages[first].busy = next_random(random) % 4 ? 0 : next_random(random) % 12;
        }
        for (int i = 0; i < 4; i++) {
                if (next_random(random) % 16 == 0)
                        f->migrate_script[next_random(random) % 4] = random_error(random);
                if (next_random(random) % 16 == 0)
                        f->move_script[next_random(random) % FAKE_SCRIPT_MAX] =
                                random_error(random);
                if (next_random(random) % 64 == 0)
                        f->query_script[next_random(random) % FAKE_SCRIPT_MAX] =
                                random_error(random);
        }
        f->settings.move_shared = next_random(random) % 2;
        f->kernel.may_move_all = next_random(random) % 2;
        f->refuses_all = next_random(random) % 8 == 0;
        f->settings.passes = 1 + next_random(random) % 12;
        f->settings.method = (MoveMethod)(next_random(random) % METHOD_MAX);
        f->settings.pause_budget_ns = next_random(random) % 3 * 10 * NSEC_PER_MSEC;
        f->settings.bandwidth_bytes = (1 + next_random(random) % 512) * MIB;
        f->settings.cpu_percent = next_random(random) % 2 ? 50 : 400;
        f->pressure = next_random(random) % 2 ? 50 : 0;
        f->page_ns = next_random(random) % 50 * NSEC_PER_USEC;
        f->call_ns = next_random(random) % 3 * NSEC_PER_MSEC;
        f->on_call = f->on_sleep = next_random(random) % 2 ? disturb : NULL;
        f->userdata = random;
}

/* Ranges of whole pages, some reaching over the ends of what there is; ascending or descending. */
static Move random_move(const Fake *f, uint64_t *random, AddressRange *ranges) {
        Move move = fake_move(f, node_bit(1) | (next_random(random) % 3 ? 0 : node_bit(2)), 0);
        uint32_t n = next_random(random) % 8, page = 0;

        for (uint32_t i = 0; i < n; i++) {
                uint32_t pages = 1 + next_random(random) % 700;
                page += next_random(random) % 200;
                ranges[next_random(random) % 2 ? i : n - 1 - i] = fake_range(page, pages);
                page += pages;
        }
        for (uint32_t i = 0; i < n; i++)
                if (ranges[i].end == 0)
                        ranges[i] = fake_range(page += 1000, 1);
        move.ranges = ranges;
        move.n_ranges = n;
        move.ranges_only = n > 0 && next_random(random) % 2;
        return move;
}

Test(mover_property, accounting_holds_over_random_scripts, .timeout = 100) {
        static Fake f;

        for (uint64_t seed = 1; seed <= 1000; seed++) {
                uint64_t random = seed;

                random_process(&f, &random);
                f.kernel.cpus = 1 + seed % 3;
                fake_start(&f);
                AddressRange ranges[8] = {};
                Move move = random_move(&f, &random, ranges);
                uint64_t job;
                cr_assert_eq(mover_submit(f.mover, &move, &job), 0, "seed %" PRIu64, seed);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert(o.reason > REASON_NONE && o.reason < REASON_MAX);
                cr_assert_eq(mover_list(f.mover, &o, 1), 0, "seed %" PRIu64, seed);
                fake_done(&f);
        }
}

/* Jobs of several processes between several nodes at once; the memory is one for all of them, which
 * makes it worse. */
Test(mover_property, accounting_holds_with_several_jobs_at_once, .timeout = 100) {
        static Fake f;

        for (uint64_t seed = 1; seed <= 200; seed++) {
                uint64_t random = seed * 7919;
                uint64_t job;
                uint32_t n = 0;

                random_process(&f, &random);
                f.kernel.cpus = 4;
                fake_start(&f);
                for (int i = 0; i < 8; i++) {
                        Move move = fake_move(&f, node_bit(1 + i % 3), i % 2 ? 0 : 1 + (i + 1) % 3);
                        move.id.pid = 42 + i;
                        int r = mover_submit(f.mover, &move, &job);
                        /* The process may have ended meanwhile. */
                        cr_assert(r == 0 || r == -ESRCH, "seed %" PRIu64 ": %d", seed, r);
                        n += r == 0;
                }
                for (; n > 0; n--)
                        (void)fake_wait_end(&f, NULL);
                cr_assert_eq(mover_list(f.mover, &(Outcome) {}, 1), 0, "seed %" PRIu64, seed);
                fake_done(&f);
        }
}
