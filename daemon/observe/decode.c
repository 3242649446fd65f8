/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/decode.h"

#include <errno.h>
#include <string.h>

/* Offsets this close before the instruction pointer have not had room to fall into step. */
#define RESYNC_BYTES 12

static const ZydisDecoder *decoder_full(void) {
        static ZydisDecoder decoder;
        static bool ready;

        if (!ready) {
                ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
                ready = true;
        }
        return &decoder;
}

/* Lengths and immediates only: several times faster. */
static const ZydisDecoder *decoder_minimal(void) {
        static ZydisDecoder decoder;
        static bool ready;

        if (!ready) {
                ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
                ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
                ready = true;
        }
        return &decoder;
}

/* Programs spend their time in few places: decoded instructions are remembered by their bytes, and
 * so is how control came to the instruction pointer, by the bytes of the window. */
#define DECODED_ENTRIES 1024
#define ARRIVAL_ENTRIES 4096

typedef struct Decoded {
        uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
        uint8_t n_bytes; /* 0: empty entry */
        ZyanStatus status;
        ZydisDecodedInstruction info;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
} Decoded;

static uint64_t hash_bytes(const uint8_t *bytes, size_t n) {
        uint64_t h = n, word;

        for (; n >= 8; n -= 8, bytes += 8) {
                memcpy(&word, bytes, 8);
                h = (h ^ word) * 0x9e3779b97f4a7c15ull;
                h ^= h >> 29;
        }
        for (; n > 0; n--, bytes++)
                h = (h ^ *bytes) * 0x9e3779b97f4a7c15ull;
        return h ^ h >> 32;
}

static const Decoded *decode_bytes(const uint8_t *bytes, size_t n) {
        static Decoded cache[DECODED_ENTRIES];
        Decoded *d;

        if (n > ZYDIS_MAX_INSTRUCTION_LENGTH)
                n = ZYDIS_MAX_INSTRUCTION_LENGTH;
        d = &cache[hash_bytes(bytes, n) % DECODED_ENTRIES];
        if (d->n_bytes == n && memcmp(d->bytes, bytes, n) == 0)
                return d;
        memcpy(d->bytes, bytes, n);
        d->n_bytes = (uint8_t)n;
        d->status = ZydisDecoderDecodeFull(decoder_full(), bytes, n, &d->info, d->operands);
        return d;
}

int decode_at(const CodeWindow *w, uint64_t address, Instruction *ret) {
        int64_t offset = (int64_t)(address - w->ip);
        const Decoded *d;

        if (offset < -w->before || offset >= w->after)
                return -ENODATA;
        d = decode_bytes(w->at_ip + offset, (size_t)(w->after - offset));
        if (d->status == ZYDIS_STATUS_NO_MORE_DATA)
                return -ENODATA;
        if (!ZYAN_SUCCESS(d->status))
                return -EBADMSG;
        *ret = (Instruction) { &d->info, d->operands, address, address + d->info.length };
        return 0;
}

bool instruction_ends_flow(const Instruction *in) {
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_INT3:
        case ZYDIS_MNEMONIC_INT:
        case ZYDIS_MNEMONIC_UD0:
        case ZYDIS_MNEMONIC_UD1:
        case ZYDIS_MNEMONIC_UD2:
        case ZYDIS_MNEMONIC_HLT:
                return true;
        default:
                break;
        }
        switch (in->info->meta.category) {
        case ZYDIS_CATEGORY_CALL:
        case ZYDIS_CATEGORY_RET:
        case ZYDIS_CATEGORY_UNCOND_BR:
        case ZYDIS_CATEGORY_SYSRET:
                return true;
        default:
                return false;
        }
}

/* Length of the instruction at this offset from the instruction pointer, 0 when there is none;
 * *ret_target is where a relative branch goes, as offset, or INT64_MIN. */
static int measure(const CodeWindow *w, int offset, int64_t *ret_target) {
        ZydisDecodedInstruction info;

        *ret_target = INT64_MIN;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder_minimal(), NULL, w->at_ip + offset,
                                                        (ZyanUSize)(w->after - offset), &info)))
                return 0;
        if (info.raw.imm[0].is_relative)
                *ret_target = offset + info.length + info.raw.imm[0].value.s;
        return info.length;
}

/* All decodings that start before the instruction pointer, index = distance to it. */
typedef struct Chains {
        int8_t length[CODE_BEFORE_BYTES + 1];
        int8_t last[CODE_BEFORE_BYTES + 1];  /* distance of the last instruction, 0: misses ip */
        bool targets[CODE_BEFORE_BYTES + 1]; /* the instruction at this distance branches to ip */
} Chains;

static void chains_decode(const CodeWindow *w, Chains *c) {
        int64_t target;

        *c = (Chains) {};
        for (int d = 1; d <= w->before; d++) {
                int length = measure(w, -d, &target);

                c->length[d] = (int8_t)length;
                c->targets[d] = target == 0;
                if (length == 0 || length > d)
                        continue;
                c->last[d] = length == d ? (int8_t)d : c->last[d - length];
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

/* How control can have come to the instruction pointer; places are offsets to it. */
typedef struct Arrival {
        int16_t previous;        /* the instruction that ends there */
        int16_t before_previous; /* the one before that */
        int16_t branch;          /* the last found that branches there */
        int16_t before_branch;   /* the one before that */
        unsigned n_branches;
} Arrival;

static void add_branch(Arrival *a, int offset, int before) {
        a->n_branches++;
        a->branch = (int16_t)offset;
        a->before_branch = (int16_t)before;
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
                length = measure(w, offset, &target);
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
        uint64_t hash = hash_bytes(w->at_ip - w->before, (size_t)(w->before + w->after));
        Arrival *a;
        size_t i;

        hash = (hash ^ (uint64_t)w->before * 0x2545f4914f6cdd1dull) | 1;
        i = (hash >> 1) % ARRIVAL_ENTRIES;
        a = &memo[i].arrival;
        if (memo[i].hash != hash) {
                *a = (Arrival) { OFFSET_NONE, OFFSET_NONE, OFFSET_NONE, OFFSET_NONE, 0 };
                find_before(w, a);
                find_behind(w, a);
                memo[i].hash = hash;
        }
        return a;
}

static bool has_memory_operand(const Instruction *in) {
        for (unsigned i = 0; i < in->info->operand_count; i++)
                if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
                        return true;
        return false;
}

static int decode_offset(const CodeWindow *w, int16_t offset, Instruction *ret) {
        return offset == OFFSET_NONE ? -ENOENT : decode_at(w, w->ip + (uint64_t)offset, ret);
}

/* A comparison with memory that the processor fuses with the conditional branch behind it: the two
 * retire as one, so what waited for the comparison lies behind the branch. */
static int decode_fused(const CodeWindow *w, int16_t compare, int16_t branch, Instruction *ret) {
        Instruction in;

        if (decode_offset(w, branch, &in) < 0 || in.info->meta.category != ZYDIS_CATEGORY_COND_BR)
                return -ENOENT;
        if (decode_offset(w, compare, &in) < 0 ||
            (in.info->mnemonic != ZYDIS_MNEMONIC_CMP && in.info->mnemonic != ZYDIS_MNEMONIC_TEST) ||
            !has_memory_operand(&in))
                return -ENOENT;
        *ret = in;
        return 0;
}

int decode_previous(const CodeWindow *w, Instruction *ret) {
        const Arrival *a = find_arrival(w);
        Instruction in;
        bool falls = decode_offset(w, a->previous, &in) == 0 && !instruction_ends_flow(&in);

        if (a->n_branches > 1 || (a->n_branches == 1 && falls && has_memory_operand(&in)))
                return -ENOENT;
        if (a->n_branches == 1)
                return decode_fused(w, a->before_branch, a->branch, ret);
        if (!falls)
                return -ENOENT;
        if (decode_fused(w, a->before_previous, a->previous, ret) == 0)
                return 0;
        return decode_offset(w, a->previous, ret);
}

int decode_starts_block(const CodeWindow *w) {
        const Arrival *a = find_arrival(w);
        Instruction in;

        if (a->n_branches > 0)
                return 1;
        if (decode_offset(w, a->previous, &in) < 0)
                return -ENOENT;
        return instruction_ends_flow(&in) || in.info->meta.category == ZYDIS_CATEGORY_COND_BR;
}
