/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "report/fields.h"

/* A writer of fields as members of an object of JSON that was begun: ,"key":value. Text is escaped; what
 * is not known (NaN) is left out. */
FieldWriter json_writer(FILE *f);
