/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "manager/internal.h"
#include "manager/manager.h"
#include "report/diagnose.h"
#include "report/doctor.h"
#include "system/diagnose.h"
#include "system/root.h"
#include "system/topology_read.h"

size_t manager_diagnose(const SystemRoot *root, const Topology *t, bool sampling,
                        const ReportBus *bus, Finding *ret, size_t max) {
        size_t n = system_diagnose(root, t, sampling, ret, max);

        return n + report_diagnose(bus, ret + n, max - n);
}

int manager_doctor(void) {
        static Topology topology; /* too large for the stack */
        cleanup(system_root_close) SystemRoot root = SYSTEM_ROOT_NONE;
        cleanup_free char *owner = NULL;
        Finding findings[FINDINGS_MAX];
        size_t n = 0;
        int r;

        if (doctor_ask_daemon(findings, FINDINGS_MAX, &n, &owner) >= 0) {
                puts("As the running daemon sees it:");
        } else {
                r = system_root_open(&root, "");
                if (r >= 0)
                        r = topology_read(&topology, &root);
                if (r < 0) {
                        fprintf(stderr, "numabalancerd: the machine cannot be read: %s\n",
                                strerror(-r));
                        return EXIT_STATUS_FAILED;
                }
                puts("The daemon does not run or does not answer; as seen from here:");
                n = manager_diagnose(&root, &topology, false, NULL, findings, FINDINGS_MAX);
        }
        return doctor_print(stdout, findings, n) ? EXIT_STATUS_GOOD : EXIT_STATUS_FAILED;
}
