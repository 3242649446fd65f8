/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/attribute.h"
#include "observe/observer.h"

/* For tests and benchmarks: sees each sample and what the rules made of it, before it is resolved. */
typedef void (*ObserverSampleHook)(const SampleRecord *record, const Attribution *attribution,
                                   void *userdata);
void observer_set_sample_hook(Observer *o, ObserverSampleHook hook, void *userdata);

/* Overrides the detected model. */
void observer_set_skid_model(Observer *o, SkidModel model);

/* Makes the hint source use a kprobe even where fentry works; before observer_start. */
void observer_set_kprobe(Observer *o);
