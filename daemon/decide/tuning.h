/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/settings.h"

/* Every constant of the policy that is no setting, each with the reason for its value. */

/* One-sided 95 % confidence: z of the normal distribution. With it, n samples out of n give the
 * share n / (n + 2.7). */
#define CONFIDENCE_Z 1.645

/* SLIT distances overstate: 21/10 stands for measured latency ratios of 1.5 to 1.9, so only this
 * part of the excess over local counts. */
#define SLIT_COMPRESSION 0.6

/* No memory that a CPU can reach is a hundred times slower than its own; beyond it the table is
 * wrong, and one wrong entry must not outweigh everything else. */
#define LATENCY_RATIO_MAX 100.0

/* Out-of-order cores hide part of a miss behind other work: the share of the latency gap that a
 * program really waits for, until its own moves teach better. */
#define EXPOSED_SHARE_START 0.5

/* Evidence from one interval may be an accident; two agreeing ones square its probability (the
 * two-touch filter of the kernel). */
#define EVALUATIONS_MIN 2u

/* Gates are left at half of what it takes to enter, so a process at the threshold does not flap. */
#define GATE_HYSTERESIS 0.5
/* What was begun is finished: while regions of a process move, this part of the remote share is enough
 * for the rest, 6 % with the default. Each region has to pay by itself. */
#define GATE_FINISHING 0.2

/* A process belongs to one node when so much of its CPU time is spent there ... */
#define SINGLE_NODE_SHARE 0.9
/* ... in so many evaluations in a row. */
#define SETTLED_EVALUATIONS 3u

/* A process that was not in the snapshot for so long (three quiet evaluations of 5 s) starts anew
 * in proving where it runs. */
#define GAP_NS (15 * NSEC_PER_SEC)

/* A region belongs to a node that makes most of its accesses beyond doubt: moved for the others it
 * would be remote to more than it serves. A second move soon after takes more. */
#define REGION_SHARE_MIN    0.6
#define REGION_SHARE_REPEAT 0.75
/* What is known of a region's neighbours in its mapping, so many on each side, speaks for it with at
 * most 3.5 samples: alone 3.5 / (3.5 + 2.7) = 0.56 moves nothing, with one sample of its own 0.62
 * does. Against it, 16: eight of eight accesses by one node are chance in memory that two share. */
#define REGION_NEIGHBOURS    16u
#define REGION_PRIOR_FOR     3.5
#define REGION_PRIOR_AGAINST 16.0
/* So many samples would have made a region clear that one node uses. */
#define REGION_SAMPLES_SHARED 8.0
/* A process whose memory is shared for the larger part is called so. */
#define SHARED_WEIGHT_MIN 0.5
/* Half a sample of the mean keeps the luck of single hits out of the benefit, and leaves a region
 * with many samples what it has. */
#define REGION_RATE_PRIOR 0.5
/* Regions that a move of a whole process begins with: half a gigabyte, after which what is left is
 * lukewarm and better taken in the order of addresses. */
#define HOT_RANGES_MAX 256u
/* Adjacent regions are ordered together up to this size, so that what does not fit on the target is
 * left out in pieces. */
#define RANGE_BYTES_MAX (256 * MIB)
/* Targets of one process in one evaluation; a machine has rarely more nodes. */
#define PLANNED_MAX 4u
/* Regions that are known to have been moved lately, for each process that can be. */
#define REGION_MEMORY_SHARE 4u

/* Shared memory is spread when one node serves so much more than the mean of all (Carrefour's
 * imbalance of memory controllers: above 35 % traffic suffers) ... */
#define SPREAD_IMBALANCE 1.35
/* ... and more CPU time than this: no memory controller suffers from a single CPU. */
#define SPREAD_SERVED_MIN_NS 1e9
/* Loads are summed up from evidence with a half-life of 10 s: after three of them what was moved counts
 * where it is. */
#define SPREAD_SETTLE_NS (30 * NSEC_PER_SEC)
/* What a busy controller adds to each access is not seen in samples of who accesses what; so much of
 * the waiting is expected back, the least that any move has to save. */
#define SPREAD_GAIN GAIN_SHARE_MIN

/* Past stability predicts future stability, but nobody plans further ahead than this. */
#define HORIZON_MAX_NS (30 * 60 * NSEC_PER_SEC)

/* Latency differences below this share are within the noise of the distance tables. */
#define GAIN_SHARE_MIN 0.10

/* Direct access by devices holds pages where they are; from this share on a move would leave too
 * much behind to be worth it. */
#define PINNED_SHARE_MAX 0.25

/* Cost of moving a 4 KB page until moves of this machine teach better: kernels before 6.3 in big
 * batches 4.8 us, newer ones 1.1 us; a pause of the program is counted with the copying. */
#define PAGE_COST_START_NS 5000.0
#define PAGE_COST_MIN_NS   100.0
#define PAGE_COST_MAX_NS   1e6
#define PAGE_COST_UNIT     4096.0
/* One job changes the learned cost by a quarter of the difference: four to five jobs settle it,
 * one odd job does not spoil it. Jobs below 4 MB measure the fixed cost of a call instead. */
#define PAGE_COST_WEIGHT    0.25
#define PAGE_COST_MIN_BYTES (4 * MIB)

/* Fixed cost of a page-moving call: it drains per-CPU lists on all CPUs. */
#define CALL_COST_NS 200000.0
/* The same of a job with regions, which reads the mappings, makes calls for ranges that lie apart, is
 * verified and recorded: a single page has to promise that, too. */
#define REGION_JOB_COST_NS 2e6

/* A move that brings less than this part of its promise has disappointed ... */
#define PROMISE_KEPT_MIN 0.25
/* ... cool-down doubles with each, up to 64 times ... */
#define COOLDOWN_DOUBLINGS_MAX 6u
/* ... and after three the process is left alone for 10 min, doubled each time, up to a day. */
#define DISAPPOINTMENTS_MAX 3u
#define GAVE_UP_NS          (600 * NSEC_PER_SEC)
#define GAVE_UP_MAX_NS      (24 * 3600 * NSEC_PER_SEC)

/* Memory that returns to a node within so long after it left has been moved twice for nothing. */
#define RETURN_NS (60 * NSEC_PER_SEC)
/* When more than this part of what was moved lately did so, the machine does something that moves
 * cannot follow ... */
#define RETURNED_SHARE_MAX 0.05
/* ... lately: counts lose half their weight in this time ... */
#define RETURN_HALF_LIFE_NS (300 * NSEC_PER_SEC)
/* ... and nothing is moved for this time, doubled with each stop in a row, up to 80 min. */
#define STOP_NS            (300 * NSEC_PER_SEC)
#define STOP_DOUBLINGS_MAX 4u
/* Afterwards it is tried out for this long with 5 % of the budget: one move at a time instead of
 * 16. */
#define PROBE_NS   (300 * NSEC_PER_SEC)
#define PROBE_JOBS 1u

/* K follows what was measured halfway with each move, within these bounds. */
#define EXPOSED_SHARE_MIN    0.02
#define EXPOSED_SHARE_MAX    1.0
#define EXPOSED_SHARE_WEIGHT 0.5
/* The waited-for share before and after is compared only when there are so many samples of it and
 * so large a share to win; below, it drowns in noise. */
#define WAITED_SAMPLES_MIN 64.0
#define WAITED_GAIN_MIN    0.05

/* Within so long after its last move a process must promise RECENT_RATIO_FACTOR times the benefit
 * ratio: three times the cost instead of twice with the default. */
#define RECENT_MOVE_NS      (300 * NSEC_PER_SEC)
#define RECENT_RATIO_FACTOR 1.5

/* A target keeps one part in TARGET_RESERVE_PARTS of its memory and TARGET_WATERMARKS times its
 * high watermark (what the kernel wants free before it promotes), and the move is counted
 * PLANNED_SHARE_PERCENT large because programs grow meanwhile. */
#define TARGET_RESERVE_PARTS  16u
#define TARGET_WATERMARKS     2u
#define PLANNED_SHARE_PERCENT 125u

/* A node without memory is left alone for this time, doubled with each further failure ... */
#define NODE_BLOCK_NS (10 * NSEC_PER_SEC)
/* ... at most so often (43 min), and all is forgotten after as long without one. */
#define NODE_BLOCK_DOUBLINGS_MAX 8u

/* Jobs that are planned or under way at once. One that waits long in the queue acts on old
 * evidence; workers are few, and bandwidth per node allows no more. */
#define JOBS_IN_FLIGHT_MAX 16u

/* Numbers from outside are cut to this before they are used: far above anything real, far below
 * where sums of products lose themselves. */
#define NUMBER_MAX 1e15
