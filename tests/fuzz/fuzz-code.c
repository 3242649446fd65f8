/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "fuzz.h"
#include "observe/attribute.h"
#include "observe/skid.h"

/* Code and registers belong to whoever was interrupted. The input is the captured code; registers and
 * the extent of the capture come from it too. */
static void run_code(const uint8_t *data, size_t size) {
        SampleRecord record = { .version = RECORD_VERSION };
        static SkidCalibration calibration;
        uint64_t hash = 0xcbf29ce484222325ull;
        CodeWindow window;
        CpuState state;
        Attribution a;

        for (size_t i = 0; i < sizeof(record.code) && size > 0; i++)
                record.code[i] = data[i % size];
        for (size_t i = 0; i < size; i++)
                hash = (hash ^ data[i]) * 0x100000001b3ull;
        record.code_before = hash & 1 ? CODE_BEFORE_BYTES : (uint8_t)(hash >> 8);
        record.code_after = hash & 2 ? CODE_AFTER_BYTES : (uint8_t)(hash >> 16);
        record.ip = hash & 4 ? 0x400000 : hash;
        record.flags = hash >> 24;
        for (int i = 0; i < GPR_MAX; i++)
                record.gpr[i] = hash & 8 ? 0x10000u * (unsigned)i : hash * (unsigned)(2 * i + 1);
        cpu_state_from_record(&state, &window, &record);
        skid_learn(&calibration, &window);
        for (int model = 0; model < SKID_MODEL_MAX; model++) {
                attribute_sample(&state, &window, (SkidModel)model, &a);
                FUZZ_CHECK(a.n <= ATTRIBUTION_MAX);
                FUZZ_CHECK((a.n > 0) == (a.rule != RULE_NO_ADDRESS));
                FUZZ_CHECK(a.n == ATTRIBUTION_MAX || a.mapping >> a.n == 0);
                for (uint32_t i = 0; i < a.n; i++)
                        FUZZ_CHECK(a.address[i] < 1ull << 56);
        }
}

/* Sums, copies, stack work, vectors, branches; as GNU as assembles them. */
static const char *const seeds[] = {
        "\x48\x8b\x04\xf7\x48\x01\xc3\x48\xff\xc1\x48\x39\xd1\x75\xf1\xc3",
        "\xf3\xa4\xf3\x48\xab\x48\xa5\xac\xaa\xa6\xae\xc3",
        "\x55\x48\x89\xe5\x53\x50\xff\x74\x24\x08\x58\x5b\xc9\xc3",
        "\xc4\xe2\xed\x92\x04\xc8\xc5\xfe\x6f\x08\xc5\xf5\x58\x54\xc8\x40",
        "\x64\x48\x8b\x04\x25\x28\x11\x11\x11\x48\x33\x44\x24\x18\x74\x05\xe8\x11\x11\x11\x11",
        "\x48\x0f\xaf\xc1\x48\xf7\xf1\x48\xd3\xe8\x48\x0f\x44\xc1\x0f\x94\xc0\x0f\xb6\xc0",
        NULL,
};

static const char *const tokens[] = {
        "\xf3\xa4", "\xf2", "\x66", "\x67",     "\x64",         "\x65",
        "\xf0",     "\x48", "\x0f", "\xeb\xfe", "\x75\xf0",     "\xff\x25",
        "\xc4\xe2", "\x62", "\xcc", "\x0f\x05", "\x0f\xa3\x08", NULL,
};

const FuzzTarget fuzz_code = { "code", run_code, seeds, tokens };
