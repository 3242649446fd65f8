/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/decode.h"

#include <errno.h>
#include <string.h>

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

/* Programs spend their time in few places: decoded instructions are remembered by their bytes. */
#define DECODED_ENTRIES 1024

typedef struct Decoded {
        uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
        uint8_t n_bytes; /* 0: empty entry */
        ZyanStatus status;
        ZydisDecodedInstruction info;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
} Decoded;

uint64_t code_hash(const uint8_t *bytes, size_t n) {
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
        d = &cache[code_hash(bytes, n) % DECODED_ENTRIES];
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

BranchKind instruction_branch_kind(const Instruction *in) {
        if (in->info->meta.category != ZYDIS_CATEGORY_COND_BR)
                return BRANCH_NONE;
        switch (in->info->mnemonic) {
        case ZYDIS_MNEMONIC_LOOP:
        case ZYDIS_MNEMONIC_LOOPE:
        case ZYDIS_MNEMONIC_LOOPNE:
        case ZYDIS_MNEMONIC_JRCXZ:
        case ZYDIS_MNEMONIC_JECXZ:
        case ZYDIS_MNEMONIC_JCXZ:
                return BRANCH_COUNT;
        case ZYDIS_MNEMONIC_XBEGIN:
                return BRANCH_OTHER;
        default:
                return BRANCH_FLAGS;
        }
}

int decode_length(const CodeWindow *w, int offset, int64_t *ret_target) {
        ZydisDecodedInstruction info;

        *ret_target = INT64_MIN;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder_minimal(), NULL, w->at_ip + offset,
                                                        (ZyanUSize)(w->after - offset), &info)))
                return 0;
        if (info.raw.imm[0].is_relative)
                *ret_target = offset + info.length + info.raw.imm[0].value.s;
        return info.length;
}

bool instruction_has_memory(const Instruction *in) {
        for (unsigned i = 0; i < in->info->operand_count; i++)
                if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
                        return true;
        return false;
}
