/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "observe/internal.h"
#include "watch.h"

/* A virtual machine in which nothing but an endless loop runs: the time is its process's, the accesses are
 * not to be seen from outside. */

#define MEMORY_BYTES (2u << 20)
#define CODE         0x8000
#define PAGE_TABLES  0x2000 /* three levels, one page each */

/* Bits of the processor's registers and tables. */
#define PAGE_PRESENT_USER 7ull
#define PAGE_LARGE_USER   0x87ull
#define CR0_PROTECTED     0x80050033ull /* paging, alignment, write protection, FPU, protection */
#define CR4_PAE           0x20ull
#define EFER_LONG         0x500ull

static int must(int r) {
        if (r < 0)
                _exit(1);
        return r;
}

static void map_first_megabytes(uint8_t *memory) {
        uint64_t *level = (uint64_t *)(void *)(memory + PAGE_TABLES);

        level[0] = (PAGE_TABLES + 0x1000) | PAGE_PRESENT_USER;
        level[512] = (PAGE_TABLES + 0x2000) | PAGE_PRESENT_USER;
        level[1024] = PAGE_LARGE_USER;
}

/* 64-bit code of a user program, so that the processor itself executes it everywhere. */
static void enter_long_mode(int vcpu) {
        struct kvm_segment code = { .limit = UINT32_MAX,
                                    .selector = 0xb,
                                    .present = 1,
                                    .type = 11,
                                    .dpl = 3,
                                    .s = 1,
                                    .l = 1,
                                    .g = 1 };
        struct kvm_segment data = { .limit = UINT32_MAX,
                                    .selector = 0x13,
                                    .present = 1,
                                    .type = 3,
                                    .dpl = 3,
                                    .db = 1,
                                    .s = 1,
                                    .g = 1 };
        struct kvm_regs registers = { .rip = CODE, .rsp = CODE, .rflags = 2 };
        struct kvm_sregs special;

        must(ioctl(vcpu, KVM_GET_SREGS, &special));
        special.cr3 = PAGE_TABLES;
        special.cr4 = CR4_PAE;
        special.cr0 = CR0_PROTECTED;
        special.efer = EFER_LONG;
        special.cs = code;
        special.ds = special.es = special.fs = special.gs = special.ss = data;
        must(ioctl(vcpu, KVM_SET_SREGS, &special));
        must(ioctl(vcpu, KVM_SET_REGS, &registers));
}

static void allow_all_features(int kvm, int vcpu) {
        static struct {
                struct kvm_cpuid2 head;
                struct kvm_cpuid_entry2 entries[256];
        } features = { .head.nent = 256 };

        must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &features));
        must(ioctl(vcpu, KVM_SET_CPUID2, &features));
}

static void run_guest(void *unused) {
        int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC)), vm, vcpu;
        struct kvm_userspace_memory_region region = { .memory_size = MEMORY_BYTES };
        uint8_t *memory =
                mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                return;
        map_first_megabytes(memory);
        memcpy(memory + CODE, "\xeb\xfe", 2); /* 1: jmp 1b */
        vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
        region.userspace_addr = (uint64_t)(uintptr_t)memory;
        must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
        vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0));
        allow_all_features(kvm, vcpu);
        enter_long_mode(vcpu);
        while (ioctl(vcpu, KVM_RUN, 0) == 0 || errno == EINTR)
                ;
}

Test(guest, goes_to_the_next_source) {
        static Watch w;
        const Observed *p = NULL;
        int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        pid_t pid;

        if (kvm < 0)
                cr_skip_test("no virtual machines here: /dev/kvm: %s", strerror(errno));
        close(kvm);
        watch_start(&w, 500, NULL, NULL);
        pid = child_start(run_guest, NULL);
        for (int i = 0; i < 100 && (!p || p->why != SOURCE_WHY_GUEST); i++) {
                p = watch_process(&w, pid, 1);
                cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "the virtual machine runs");
        }
        cr_assert_not_null(p);
        cr_expect_eq(p->why, SOURCE_WHY_GUEST, "%s", source_why_to_string(p->why));
        cr_expect_eq(p->passed_over, SOURCE_CLOCK);
        cr_expect_eq(p->evidence.source, SOURCE_RESIDENCY);
        cr_expect_gt(evidence_cpu_ns(&p->evidence), 1e6, "its time counts");
        child_kill(pid);
        watch_stop(&w);
}
