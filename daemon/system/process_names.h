/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "system/root.h"

/* Path of the control group of a process in the hierarchy of systemd (version 2, or name=systemd of
 * version 1), raw bytes, without " (deleted)". -ESRCH: gone; -ENODATA: in no such hierarchy;
 * -ENAMETOOLONG: longer than size - 1. */
int process_read_cgroup(const SystemRoot *root, pid_t pid, char *ret, size_t size);

/* Path of the program that a process runs, raw bytes, without " (deleted)". -ENODATA: a kernel
 * thread; -ESRCH, -EACCES, -ENAMETOOLONG. */
int process_read_exe(const SystemRoot *root, pid_t pid, char *ret, size_t size);

/* Names of users, remembered so that each is looked up once. */
typedef struct Users Users;

int users_new(Users **ret); /* -ENOMEM */
Users *users_free(Users *users);

/* Name of the user in the databases of this machine (nsswitch.conf; may block on a network service
 * the first time), or the number as text where there is no name. NULL: too many users or no memory.
 * The text belongs to `users`. */
const char *users_name(Users *users, uid_t uid);
