/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/cpu_state.h"

/* From an interrupted instruction pointer to the data that the thread was accessing. Pure. */

/* Where a timer interrupt lands relative to the access that was waited for. */
typedef enum SkidModel {
        SKID_AFTER, /* real processors: right behind a stalled access */
        SKID_NONE,  /* QEMU TCG: at the start of a block, regardless of what it accesses */
        SKID_MODEL_MAX,
} SkidModel;

const char *skid_model_to_string(SkidModel model);

/* Which rule found the addresses; docs/evidence.md explains them. */
typedef enum AttributeRule {
        RULE_NO_ADDRESS, /* none applied */
        RULE_REP,        /* 0: in the middle of a REP string instruction */
        RULE_PREVIOUS,   /* 1: the access just waited for */
        RULE_NEXT,       /* 2: the instruction at the instruction pointer */
        RULE_FORWARD,    /* 3: the next access, by evaluating code forward */
        RULE_BLOCK,      /* all accesses from the start of a block on, while the path is known (no
                          * skid) */
        ATTRIBUTE_RULE_MAX,
} AttributeRule;

const char *attribute_rule_to_string(AttributeRule rule);

#define ATTRIBUTION_MAX 32

/* One sample counts one in total: each address has the weight 1 / (n + unknown). By RULE_BLOCK one
 * sample counts one on average: a path with more accesses counts more, as there are more of them. */
typedef struct Attribution {
        AttributeRule rule;
        uint32_t n;
        uint32_t unknown; /* accesses that are known to happen, at an address that is not */
        bool waited;      /* the CPU was waiting for this access */
        uint32_t mapping; /* bit i: address[i] only names a mapping (see Accesses) */
        uint64_t address[ATTRIBUTION_MAX];
} Attribution;

/* Applies the rules of the model. Never fails: without an address n is 0. */
void attribute_sample(const CpuState *state, const CodeWindow *window, SkidModel model,
                      Attribution *ret);
