/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/topology.h"

/* Who saw the accesses. Names are those of the configuration key sampling.source. */
typedef enum EvidenceSource {
        SOURCE_NONE,
        SOURCE_CLOCK,
        SOURCE_HINT,
        SOURCE_RESIDENCY,
        SOURCE_PEBS,
        SOURCE_IBS,
        EVIDENCE_SOURCE_MAX,
} EvidenceSource;

/* Why a source does not see a process. SOURCE_WHY(member, "code", "a sentence about the process") */
#define SOURCE_WHY_TABLE(SOURCE_WHY)                                                               \
        SOURCE_WHY(NONE, "none", "it sees the process")                                            \
        SOURCE_WHY(NOT_YET, "not-yet", "it has seen nothing of the process so far")                \
        SOURCE_WHY(SILENT, "silent", "the process uses CPU time, but brings hardly any accesses")  \
        SOURCE_WHY(GUEST, "guest",                                                                 \
                   "the process spends its time in the guest of a virtual machine")                \
        SOURCE_WHY(COMPAT, "compat", "the process runs 32-bit code")                               \
        SOURCE_WHY(UNDECODED, "undecoded", "hardly any sample of the process leads to an address")

typedef enum SourceWhy {
#define SOURCE_WHY_MEMBER(member, code, sentence) SOURCE_WHY_##member,
        SOURCE_WHY_TABLE(SOURCE_WHY_MEMBER)
#undef SOURCE_WHY_MEMBER
                SOURCE_WHY_MAX,
} SourceWhy;

/* Code and sentence; never NULL, those of NONE for values out of range. */
const char *source_why_to_string(SourceWhy why);
const char *source_why_sentence(SourceWhy why);

/* "clock", "hint", ...; never NULL, "none" for values out of range. */
const char *evidence_source_to_string(EvidenceSource source);

/* The source of that name, or -EINVAL. */
int evidence_source_from_string(const char *s);

/* Whether this build can use the source: the configuration accepts only such sources. */
bool evidence_source_is_built(EvidenceSource source);

/* Quality factor q of a source, 0..1: hardware sampling 1.0, software clock sampling 0.8, hint
 * faults 0.5, residency 0.25, none 0. */
double evidence_source_quality(EvidenceSource source);

/* Counts lose half their weight in this time, so evidence follows a program that changes. */
#define EVIDENCE_HALF_LIFE_NS (10ull * 1000 * 1000 * 1000)

/* What one source saw of one process. All counts are decayed (half-life EVIDENCE_HALF_LIFE_NS).
 * Matrices are row-major [accessor][home] with n_nodes x n_nodes elements, dense node indices. */
typedef struct Evidence {
        EvidenceSource source;
        uint32_t n_nodes;
        double *access;       /* [n][n] sampled accesses: node of the CPU x node of the page */
        double *waited;       /* [n][n] of these, samples in which the CPU was waiting for that
                               * access; equal to access where the source cannot tell (no skid) */
        double *cpu_ns;       /* [n] CPU time on each node, ns per second of wall time */
        double samples;       /* sum of access: samples that yielded an accessor and a home */
        double unresolved;    /* samples that yielded no address or no home node */
        uint32_t evaluations; /* distinct evaluation intervals that brought samples, saturating */
        bool skid;            /* waited was measured rather than copied from access */
        uint64_t updated_ns;  /* CLOCK_MONOTONIC time to which the counts are decayed */
} Evidence;

/* Allocates the matrices, all zero. -ENOMEM, -EINVAL (n_nodes 0 or > NODES_MAX). */
int evidence_init(Evidence *e, uint32_t n_nodes);

/* Frees the matrices; accepts a zeroed struct; leaves it zeroed. */
void evidence_done(Evidence *e);

/* Copies src into dst, which must be initialised with the same n_nodes (else -EINVAL). */
int evidence_copy(Evidence *dst, const Evidence *src);

/* Decays every count to now_ns; a clock that went backwards changes nothing. cpu_ns is a rate, not a
 * count: whoever measures it keeps it up to date. */
void evidence_decay(Evidence *e, uint64_t now_ns);

/* Counts as if everything had been seen ns earlier. */
void evidence_age(Evidence *e, uint64_t ns);

/* Adds one sampled access of weight w (> 0, finite; else ignored), to `waited` too if so. Indices out
 * of range count as unresolved. A source that cannot tell waiting passes true always. */
void evidence_add(Evidence *e, int accessor, int home, double w, bool waited);

/* Sum of access over accessor != home, and that sum / samples (0 when there are none). */
double evidence_remote(const Evidence *e);
double evidence_remote_share(const Evidence *e);

/* CPU time over all nodes, ns per second. */
double evidence_cpu_ns(const Evidence *e);
