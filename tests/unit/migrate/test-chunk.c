/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/chunk.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "fake-kernel.h"

#define U MOVE_STATUS_UNWRITTEN

/* Which tail of a call was never tried, for every shape of a stop. */
Test(chunk, first_unattempted) {
        static const struct {
                const char *name;
                int64_t returned;
                int32_t status[6];
                uint32_t first;
        } rows[] = {
                { "all well", 0, { 1, 1, 1, 1, 1, 1 }, 6 },
                { "one batch fails", 2, { U, U, U, U, U, U }, 6 },
                { "fails before a lookup error", 4, { U, U, -ENOENT, U, U, U }, 3 },
                { "fails after one", 3, { 1, 1, -ENOENT, U, U, U }, 6 },
                { "lookup error first, then fails", 5, { -EACCES, U, U, U, U, U }, 6 },
                { "two lookup errors, then fails", 4, { -EACCES, -EBUSY, U, U, U, U }, 6 },
                { "one page fails before an error", 5, { U, -EBUSY, U, U, U, U }, 2 },
                { "stops at the last page", 1, { U, U, U, U, U, -EBUSY }, 6 },
                { "call failed", -ENOMEM, { U, U, -ENOENT, U, U, U }, 6 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                cr_assert_eq(chunk_first_unattempted(rows[i].status, 6, rows[i].returned),
                             rows[i].first, "%s", rows[i].name);
}

static Chunk chunk_of(const Fake *f, NodeMask from, int to) {
        Chunk c = { .pid = 42, .from = from, .to = to, .n = f->n_pages };

        for (uint32_t i = 0; i < c.n; i++)
                c.address[i] = FAKE_BASE + (uint64_t)i * FAKE_PAGE_BYTES;
        return c;
}

Test(chunk, class_of_every_status) {
        static const struct {
                int32_t error;
                PageClass class;
                Failure failure;
        } rows[] = {
                { -EBUSY, PAGE_RETRY, FAILURE_BUSY },     { -EAGAIN, PAGE_RETRY, FAILURE_AGAIN },
                { 0, PAGE_RETRY, FAILURE_AGAIN },         { -EACCES, PAGE_SHARED, FAILURE_ACCES },
                { -ENOENT, PAGE_GONE, FAILURE_NOENT },    { -EFAULT, PAGE_GONE, FAILURE_FAULT },
                { -EIO, PAGE_GONE, FAILURE_IO },          { -EINVAL, PAGE_REFUSED, FAILURE_INVAL },
                { -ENODEV, PAGE_REFUSED, FAILURE_NODEV }, { -ENOMEM, PAGE_RETRY, FAILURE_NOMEM },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;
                ChunkResult r = { 0 };

                fake_init(&f, 3, 1);
                f.pages[1].busy = 1;
                f.pages[1].error = rows[i].error;
                Chunk c = chunk_of(&f, node_bit(1), 0);
                cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
                cr_assert_eq(r.pages[PAGE_MOVED], 2, "status %d", rows[i].error);
                cr_assert_eq(r.pages[rows[i].class], 1, "status %d", rows[i].error);
                cr_assert_eq(c.page[1], rows[i].class, "status %d", rows[i].error);
                cr_assert_eq(r.failures[rows[i].failure], rows[i].class != PAGE_SHARED, "status %d",
                             rows[i].error);
                fake_done(&f);
        }
}

Test(chunk, resubmits_what_was_not_attempted_once) {
        Fake f;
        ChunkResult r = { 0 };

        /* 0 fails in its batch, which the missing page 1 ends: 2..5 are not tried. */
        fake_init(&f, 6, 1);
        f.pages[0].busy = 1;
        f.pages[1].node = NODE_NONE;
        Chunk c = chunk_of(&f, node_bit(1), 0);
        cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
        cr_assert_eq(r.calls, 2);
        cr_assert_str_eq(f.log, "move 6 @1000 page 0\nmove 4 @1000 page 2\n");
        cr_assert_eq(r.pages[PAGE_MOVED], 4);
        cr_assert_eq(r.pages[PAGE_RETRY], 1);
        cr_assert_eq(r.pages[PAGE_GONE], 1);
        cr_assert_eq(c.page[0], PAGE_RETRY);
        fake_done(&f);
}

Test(chunk, moved_pages_count_even_if_the_call_failed) {
        Fake f;
        ChunkResult r = { 0 };

        fake_init(&f, 5, 1);
        f.room = 3;
        Chunk c = chunk_of(&f, node_bit(1), 0);
        cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
        cr_assert_eq(r.error, -ENOMEM);
        cr_assert_eq(r.pages[PAGE_MOVED], 3);
        cr_assert_eq(r.pages[PAGE_RETRY], 2);
        cr_assert_eq(r.failures[FAILURE_NOMEM], 1);
        fake_done(&f);
}

Test(chunk, interrupted_calls_are_repeated_a_few_times) {
        Fake f;
        ChunkResult r = { 0 };

        fake_init(&f, 2, 1);
        f.move_script[0] = -EINTR;
        Chunk c = chunk_of(&f, node_bit(1), 0);
        cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
        cr_assert_eq(r.calls, 2);
        cr_assert_eq(r.pages[PAGE_MOVED], 2);
        cr_assert_eq(r.error, 0);
        fake_done(&f);

        fake_init(&f, 2, 1);
        for (int i = 0; i < FAKE_SCRIPT_MAX; i++)
                f.move_script[i] = -EINTR;
        c = chunk_of(&f, node_bit(1), 0);
        r = (ChunkResult) { 0 };
        cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
        cr_assert_eq(r.calls, 3);
        cr_assert_eq(r.error, -EINTR);
        cr_assert_eq(r.pages[PAGE_RETRY], 2);
        fake_done(&f);
}

Test(chunk, filter_keeps_what_is_still_on_a_source) {
        Fake f;
        ChunkResult r = { 0 };

        fake_init(&f, 6, 1);
        f.pages[0].node = 0;         /* there already */
        f.pages[2].node = NODE_NONE; /* freed */
        f.pages[4].node = 3;         /* elsewhere */
        f.pages[5].node = 2;         /* another source */
        Chunk c = chunk_of(&f, node_bit(1) | node_bit(2), 0);
        cr_assert_eq(chunk_filter(&c, &f.kernel, &r), 0);
        cr_assert_eq(c.n, 3);
        cr_assert_eq(c.address[2], FAKE_BASE + 5 * FAKE_PAGE_BYTES);
        cr_assert_eq(r.pages[PAGE_MOVED], 1);
        cr_assert_eq(r.pages[PAGE_GONE], 2);
        fake_done(&f);
}

Test(chunk, failing_query_leaves_no_page_out) {
        Fake f;
        ChunkResult r = { 0 };

        fake_init(&f, 4, 1);
        f.query_script[0] = -ESRCH;
        f.pages[1].busy = 1;
        Chunk c = chunk_of(&f, node_bit(1), 0);
        cr_assert_eq(chunk_move(&c, &f.kernel, &r), -ESRCH);
        cr_assert_eq(r.pages[PAGE_GONE], 4);
        fake_done(&f);
}

/* Where the call says everything, nothing is asked; where it does not, each page is, and of huge pages
 * four. */
Test(chunk, asks_only_for_what_the_call_left_open) {
        static const struct {
                uint32_t busy; /* of the pages, from the first on */
                uint32_t queries;
        } rows[] = { { 0, 0 }, { 1, 1 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;
                ChunkResult r = { 0 };

                fake_init(&f, 10, 1);
                for (uint32_t page = 0; page < rows[i].busy; page++)
                        f.pages[page].busy = 1;
                Chunk c = chunk_of(&f, node_bit(1), 0);
                cr_assert_eq(chunk_move(&c, &f.kernel, &r), 0);
                cr_assert_eq(f.n_query, rows[i].queries, "row %zu: %u", i, f.n_query);
                cr_assert_eq(r.pages[PAGE_MOVED], 10 - rows[i].busy);
                cr_assert_eq(r.pages[PAGE_RETRY], rows[i].busy);
                fake_done(&f);
        }
}
