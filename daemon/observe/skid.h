/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "observe/attribute.h"

/* The model that fits this processor: QEMU's software emulation, told by its hypervisor signature,
 * has no skid; everything else is a real processor (also under KVM, Xen, Hyper-V). */
SkidModel skid_detect(void);
