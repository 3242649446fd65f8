/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/arrival.h"

#include <errno.h>
#include <string.h>

#include "observe/refute.h"

/* Offsets this close before the instruction pointer have not had room to fall into step. */
#define RESYNC_BYTES 12

/* How control comes to a place is remembered by the bytes of the window. */
#define ARRIVAL_ENTRIES 4096

/* All decodings that start before the instruction pointer, index = distance to it. */
typedef struct Chains {
        int8_t length[CODE_BEFORE_BYTES + 1];
        int16_t last[CODE_BEFORE_BYTES + 1]; /* distance of the last instruction, 0: misses ip */
        bool targets[CODE_BEFORE_BYTES + 1]; /* the instruction at this distance branches to ip */
} Chains;

static void chains_decode(const CodeWindow *w, Chains *c) {
        int64_t target;

        *c = (Chains) {};
        for (int d = 1; d <= w->before; d++) {
                int length = decode_length(w, -d, &target);

                c->length[d] = (int8_t)length;
                c->targets[d] = target == 0;
                if (length == 0 || length > d)
                        continue;
                c->last[d] = length == d ? (int16_t)d : c->last[d - length];
        }
}

/* Distance of the instruction that most decodings end with, or 0. */
static int chains_agree(const CodeWindow *w, const Chains *c) {
        unsigned votes[CODE_BEFORE_BYTES + 1] = {}, all = 0;
        int first = w->before >= 2 * RESYNC_BYTES ? RESYNC_BYTES : 1, best = 0;

        for (int d = first; d <= w->before; d++) {
                if (c->last[d] == 0)
                        continue;
                all++;
                votes[c->last[d]]++;
                if (votes[c->last[d]] > votes[best])
                        best = c->last[d];
        }
        return all >= 3 && votes[best] * 2 > all ? best : 0;
}

#define OFFSET_NONE INT16_MIN

/* More branches than this to one place count as "from elsewhere". */
#define BRANCHES_MAX 4

typedef struct Branch {
        int16_t at;
        int16_t before; /* the instruction before it */
} Branch;

/* How control can have come to the instruction pointer; places are offsets to it. */
typedef struct Arrival {
        int16_t previous;        /* the instruction that ends there */
        int16_t before_previous; /* the one before that */
        unsigned n_branches;     /* found that go there */
        Branch branches[BRANCHES_MAX];
} Arrival;

static void add_branch(Arrival *a, int offset, int before) {
        if (a->n_branches < BRANCHES_MAX)
                a->branches[a->n_branches] = (Branch) { (int16_t)offset, (int16_t)before };
        a->n_branches++;
}

/* Follows the longest decoding in step, which stands for the true instructions. */
static void find_before(const CodeWindow *w, Arrival *a) {
        int previous, before = OFFSET_NONE, start;
        Chains c;

        chains_decode(w, &c);
        previous = chains_agree(w, &c);
        if (previous == 0)
                return;
        for (start = w->before; c.last[start] != previous; start--)
                ;
        for (int at = start; at > 0; before = -at, at -= c.length[at]) {
                if (c.targets[at])
                        add_branch(a, -at, before);
                if (at == previous)
                        a->before_previous = (int16_t)before;
        }
        a->previous = (int16_t)-previous;
}

/* Code that follows and jumps back: the instruction pointer is the head of a loop. */
static void find_behind(const CodeWindow *w, Arrival *a) {
        int length, before = OFFSET_NONE;
        int64_t target;

        for (int offset = 0; offset < w->after; before = offset, offset += length) {
                length = decode_length(w, offset, &target);
                if (length == 0)
                        return;
                if (target == 0)
                        add_branch(a, offset, before);
        }
}

static const Arrival *find_arrival(const CodeWindow *w) {
        static struct {
                uint64_t hash; /* 0: empty entry */
                Arrival arrival;
        } memo[ARRIVAL_ENTRIES];
        uint64_t hash = code_hash(w->at_ip - w->before, (size_t)(w->before + w->after));
        Arrival *a;
        size_t i;

        hash = (hash ^ (uint64_t)w->before * 0x2545f4914f6cdd1dull) | 1;
        i = (hash >> 1) % ARRIVAL_ENTRIES;
        a = &memo[i].arrival;
        if (memo[i].hash != hash) {
                *a = (Arrival) { .previous = OFFSET_NONE, .before_previous = OFFSET_NONE };
                find_before(w, a);
                find_behind(w, a);
                memo[i].hash = hash;
        }
        return a;
}

static int decode_offset(const CodeWindow *w, int16_t offset, Instruction *ret) {
        return offset == OFFSET_NONE ? -ENOENT : decode_at(w, w->ip + (uint64_t)offset, ret);
}

static bool instruction_is_nop(const Instruction *in) {
        return in->info->meta.category == ZYDIS_CATEGORY_NOP ||
               in->info->meta.category == ZYDIS_CATEGORY_WIDENOP;
}

static bool is_comparison(const Instruction *in) {
        return in->info->mnemonic == ZYDIS_MNEMONIC_CMP ||
               in->info->mnemonic == ZYDIS_MNEMONIC_TEST;
}

/* A comparison with memory that the processor fuses with the conditional branch behind it: the two
 * retire as one, so what waited for the comparison lies behind the branch. */
static int decode_fused(const CodeWindow *w, int16_t compare, int16_t branch, Instruction *ret) {
        Instruction in;

        if (decode_offset(w, branch, &in) < 0 || in.info->meta.category != ZYDIS_CATEGORY_COND_BR)
                return -ENOENT;
        if (decode_offset(w, compare, &in) < 0 || !is_comparison(&in) ||
            !instruction_has_memory(&in))
                return -ENOENT;
        *ret = in;
        return 0;
}

/* Jumps and calls through a register leave the address of where they go in it. */
static bool register_holds_ip(const CodeWindow *w, const CpuState *s) {
        for (unsigned i = 0; i < GPR_MAX; i++)
                if (s->known & (1u << i) && s->gpr[i] == w->ip)
                        return true;
        return false;
}

/* Branches of the window that may have been taken to here; the first of them in *ret. */
static unsigned possible_branches(const CodeWindow *w, const CpuState *s, const Arrival *a,
                                  Branch *ret) {
        unsigned n = 0;
        Instruction in;

        if (a->n_branches > BRANCHES_MAX)
                return a->n_branches;
        for (unsigned i = 0; i < a->n_branches; i++) {
                Branch b = a->branches[i];

                if (decode_offset(w, b.at, &in) == 0 && branch_refuted(s, &in, true))
                        continue;
                if (n++ == 0)
                        *ret = b;
        }
        return n;
}

/* Whether control may have come from the instruction before; *ret is that one. */
static bool falls_through(const CodeWindow *w, const CpuState *s, const Arrival *a,
                          Instruction *ret) {
        return decode_offset(w, a->previous, ret) == 0 && !instruction_ends_flow(ret) &&
               !instruction_refuted(s, ret);
}

/* One branch of the window may have been taken, and a comparison with memory decided it. It was the
 * last access too if control went past the branch and fell through from the instruction between the
 * two, unless that accesses memory. Anywhere else the instruction before makes it uncertain; but
 * padding in front of a loop is executed only once. */
static int previous_of_branch(const CodeWindow *w, const CpuState *s, const Arrival *a,
                              Branch branch, Instruction *ret) {
        Instruction in;

        if (decode_offset(w, a->previous, &in) == 0 &&
            in.info->meta.category == ZYDIS_CATEGORY_CALL)
                return -ENOENT; /* returned or branched */
        if (falls_through(w, s, a, &in) && !instruction_is_nop(&in) &&
            (branch.at != a->before_previous || instruction_has_memory(&in)))
                return -ENOENT;
        return decode_fused(w, branch.before, branch.at, ret);
}

int arrival_previous(const CodeWindow *w, const CpuState *s, Instruction *ret) {
        const Arrival *a = find_arrival(w);
        Branch branch = {};
        unsigned n_branches;
        Instruction in;

        if (w->far_branch || register_holds_ip(w, s))
                return -ENOENT;
        n_branches = possible_branches(w, s, a, &branch);
        if (n_branches > 1)
                return -ENOENT;
        if (n_branches == 1)
                return previous_of_branch(w, s, a, branch, ret);
        if (!falls_through(w, s, a, &in))
                return -ENOENT;
        if (decode_fused(w, a->before_previous, a->previous, ret) == 0)
                return 0;
        return decode_offset(w, a->previous, ret);
}

int arrival_starts_block(const CodeWindow *w) {
        const Arrival *a = find_arrival(w);
        Instruction in;

        if (a->n_branches > 0)
                return 1;
        if (decode_offset(w, a->previous, &in) < 0)
                return -ENOENT;
        return instruction_ends_flow(&in) || in.info->meta.category == ZYDIS_CATEGORY_COND_BR;
}

bool code_branches_to(const uint8_t *bytes, size_t n, uint64_t address, uint64_t target) {
        for (size_t i = 1; i + 4 <= n; i++) {
                uint32_t displacement;

                memcpy(&displacement, bytes + i, 4);
                if (displacement != (uint32_t)(target - (address + i + 4)))
                        continue;
                if (bytes[i - 1] == 0xe8 || bytes[i - 1] == 0xe9)
                        return true;
                if (i >= 2 && bytes[i - 2] == 0x0f && (bytes[i - 1] & 0xf0) == 0x80)
                        return true;
        }
        return false;
}
