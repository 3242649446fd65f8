#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""numabalancerd itself on a private bus: processes that are never touched, nodes that do not exist. It
only observes, and in a mount namespace with a /run of its own, so another daemon is not in its way."""
import json
import os
import socket
import subprocess
import time

from gi.repository import Gio, GLib

import harness as h

OWN = "org.numabalancer1.Error."
bus = h.Bus()
notify_path = os.path.join(bus.dir, "notify")
connection = None
daemon = None


# Three nodes in place of those of this machine: the last has memory, but no CPUs.
NODES = r"""
cd /sys/devices/system/node && info=$(cat node0/meminfo) && mount -t tmpfs none . || exit 99
cd /sys/devices/system/node || exit 99
for n in 0 1 2; do
        mkdir node$n && echo "$info" | sed "s/^Node 0 /Node $n /" >node$n/meminfo
done
echo 0-2 | tee online possible has_memory has_normal_memory >/dev/null
echo 0-1 >has_cpu; echo 0 >node0/cpulist; echo 1 >node1/cpulist; echo >node2/cpulist
echo 10 20 30 >node0/distance; echo 20 10 30 >node1/distance; echo 30 30 10 >node2/distance
cd /
"""


def start(prepare=""):
    """The daemon, in namespaces where a shell has prepared the machine."""
    path = os.path.join(bus.dir, "numabalancer.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write('mode = "observe";\n')
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", f'{prepare}\nmount -t tmpfs none /run && exec "$0" "$@"',
         os.environ["NUMABALANCERD"], "--config", path],
        env={**bus.environment(), "NOTIFY_SOCKET": notify_path}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return process


def is_ready(listener, seconds):
    """Whether the daemon says in this time that it is ready."""
    listener.settimeout(seconds)
    try:
        while "READY=1" not in listener.recv(4096).decode().split("\n"):
            pass
    except TimeoutError:
        return False
    return True


def needs_daemon():
    if daemon is None:
        raise h.Skip("the daemon, which could not be started")


def kernel_thread():
    """The pid of one, or None where there is none to be seen."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[6]) & 0x00200000:  # PF_KTHREAD
            return int(pid)
    return None


def migrate(*values):
    """Error and message of a move; those that are tried here are never taken on."""
    try:
        connection.call_sync(h.NAME, h.PATH, h.INTERFACE, "Migrate",
                             GLib.Variant("(utiit)", values), None, 0, 5000, None)
    except GLib.Error as e:
        return Gio.DBusError.get_remote_error(e), e.message
    raise AssertionError(f"{values} was accepted")


def test_starts():
    global connection, daemon
    if os.geteuid() != 0:
        raise h.Skip("root, to start the daemon")
    if bus.run("unshare", "--mount", "true").returncode:
        raise h.Skip("mount namespaces, to start the daemon")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(notify_path)
        daemon = start()
        began = time.monotonic()
        # It waits for a bus, so that those who waited for it find it there; but not for ever.
        early = is_ready(listener, 0.8) and time.monotonic() - began < 2
        bus.start()
        h.true(not early, "not ready before there is a bus")
        h.true(early or is_ready(listener, 60), "ready in the end")
    connection = h.wait_owned(bus)
    h.equal(h.call(connection, "Get", "(ss)", h.INTERFACE, "Mode", interface=h.PROPERTIES)[0],
            "observe")


def test_doctor_sees_what_hears_the_daemon():
    needs_daemon()
    found = {row[0]: row for row in h.call(connection, "Diagnose")[0]}
    h.equal(found["bus"][1:3], ("good", "the daemon has its name on the system bus"))
    h.true(found["journal"][1] in ("good", "limited"), "there is no journal in a /run of its own")
    r = bus.run(os.environ["NUMABALANCERD"], "--doctor")
    h.true(r.stdout.startswith("As the running daemon sees it:\n") and found["bus"][2] in r.stdout,
           r.stdout + r.stderr)
    r = bus.run(os.environ["NUMABALANCERCTL"], "doctor")
    j = bus.run(os.environ["NUMABALANCERCTL"], "doctor", "--json")
    h.equal((r.returncode, j.returncode), (any(row[1] == "missing" for row in found.values()),) * 2)


def test_no_such_process():
    needs_daemon()
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, 2**22 + 1, 2**31 - 1):
        for method in ("GetProcess", "Explain"):
            h.equal(h.error_of(connection, method, "(u)", pid), OWN + "NoSuchProcess", str(pid))
        h.equal(migrate(pid, 0, -1, 0, 1)[0], OWN + "NoSuchProcess", str(pid))
    # This process, but not the one that was meant.
    h.equal(migrate(os.getpid(), 1, -1, 0, 1)[0], OWN + "NoSuchProcess", "another start time")


def test_itself():
    needs_daemon()
    pid = daemon.pid  # unshare and the shell have become the daemon
    name, text = migrate(pid, 0, -1, 0, 1)
    h.equal((name, "is this daemon" in text), (OWN + "NotAllowed", True), text)
    h.equal(h.call(connection, "Explain", "(u)", pid)[0], "self")


def test_kernel_threads():
    needs_daemon()
    pid = kernel_thread()
    if pid is None:
        return  # in a container without them
    name, text = migrate(pid, 0, -1, 0, 1)
    h.equal((name, "is a kernel thread" in text), (OWN + "NotAllowed", True), text)
    h.equal(h.error_of(connection, "GetProcess", "(u)", pid), None, "may be looked at")


def test_first_process():
    needs_daemon()
    for flags in (0, 1):
        name, text = migrate(1, 0, -1, 0, flags)
        h.equal((name, "is the first process of the system (pid 1)" in text),
                (OWN + "NotAllowed", True), text)
    reason, text, numbers = h.call(connection, "Explain", "(u)", 1)
    h.equal(reason, "init", "may be looked at")
    with open("/proc/1/comm", encoding="utf-8") as f:
        h.true(numbers["comm"] == f.read().strip() and numbers["comm"] in text, text)


def test_mode_observe():
    needs_daemon()
    name, text = migrate(os.getpid(), 0, -1, 0, 0)
    h.equal((name, "only observes" in text), (OWN + "NotAllowed", True), text)


def test_nodes_that_do_not_exist():
    needs_daemon()
    for to in (63, 64, 1023, 2**31 - 1):
        for from_ in (-1, 0):
            name, text = migrate(os.getpid(), 0, from_, to, 1)
            h.equal(name, OWN + "InvalidNode", f"{from_} to {to}: {text}")
    for pair in ((0, 0), (-2, 0), (0, -2), (2**31 - 1, 2**31 - 1)):
        h.equal(migrate(os.getpid(), 0, *pair, 1)[0], OWN + "InvalidNode", str(pair))
    h.equal(migrate(os.getpid(), 0, 2**31 - 1, 0, 1)[0], OWN + "InvalidNode", "no such source")


def record(path, flags):
    fd = os.open(path, flags)
    fds = Gio.UnixFDList.new_from_array([fd])
    try:
        connection.call_with_unix_fd_list_sync(h.NAME, h.PATH, h.INTERFACE, "Record",
                                               GLib.Variant("(hu)", (0, 1)), None, 0, 5000, fds, None)
    except GLib.Error as e:
        return Gio.DBusError.get_remote_error(e)
    return None


def test_record_into_what_is_no_file():
    needs_daemon()
    read_only = os.path.join(bus.dir, "read-only")
    with open(read_only, "w", encoding="utf-8"):
        pass
    refused = {"org.freedesktop.DBus.Error.InvalidArgs", OWN + "NotAllowed"}
    for path, flags in (("/dev/null", os.O_WRONLY), (bus.dir, os.O_RDONLY),
                        (read_only, os.O_RDONLY)):
        h.true(record(path, flags) in refused, f"{path}: {record(path, flags)}")


HOSTILE = b"a\n\033[31m\xff\xff(b) \\"


def test_process_with_a_hostile_name():
    needs_daemon()
    script = ("import ctypes, sys\n"
              f"ctypes.CDLL(None).prctl(15, {HOSTILE!r}, 0, 0, 0)\n"
              "print('named', flush=True)\nsys.stdin.read()")
    child = subprocess.Popen(["/usr/bin/python3", "-c", script], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        reason, text, numbers = h.call(connection, "Explain", "(u)", child.pid)
        h.true(reason and text and "\n" not in text and "\033" not in text, text)
        h.equal(numbers["comm"], "a\\x0a\\x1b[31m\\xff\\xff(b) \\x5c")
        r = bus.run(os.environ["NUMABALANCERCTL"], "why", str(child.pid))
        h.true(r.returncode == 0 and "\033" not in r.stdout, r.stdout + r.stderr)
        r = bus.run(os.environ["NUMABALANCERCTL"], "--json", "show", str(child.pid))
        h.equal(json.loads(r.stdout)["pid"], child.pid, r.stderr)
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def test_ends():
    needs_daemon()
    daemon.terminate()
    h.equal(daemon.wait(10), 0, "exit status")
    h.true(b"started version" in daemon.stdout.read(), "its records")
    daemon.stdout.close()


def test_nodes_without_cpus():
    """The same with three nodes that are made up; everything that is tried is refused."""
    global connection, daemon
    needs_daemon()
    daemon = start(NODES)
    victim = subprocess.Popen(["sleep", "60"])
    try:
        if not h.wait_for(lambda: h.owned(connection) or daemon.poll() is not None):
            raise AssertionError("the daemon does not appear")
        if daemon.poll() is not None:
            raise h.Skip(f"a daemon with made-up nodes: {daemon.stdout.read()}")
        nodes = h.call(connection, "ListNodes")[0]
        h.equal([(n["node"], n["cpus"]) for n in nodes], [(0, 1), (1, 1), (2, 0)])
        name, text = migrate(victim.pid, 0, -1, 2, 1)
        if "could not be read" in text:
            raise h.Skip("BPF, to read memory policies")
        for pair in ((-1, 2), (0, 2), (2, 0)):
            name, text = migrate(victim.pid, 0, *pair, 1)
            h.equal((name, text.split(": ")[-1]), (
                OWN + "InvalidNode", "Node 2 has no CPUs, and never.cpuless is set"), str(pair))
        h.equal(migrate(victim.pid, 0, 0, 3, 1)[0], OWN + "InvalidNode", "beyond")
        h.equal(migrate(1, 0, -1, 0, 1)[0], OWN + "NotAllowed", "pid 1")
        h.equal(h.call(connection, "Advise", "(ut)", 8, 1 << 40)[0], [0, 1], "never advised")
    finally:
        victim.kill()
        victim.wait()
        if daemon.poll() is None:
            daemon.terminate()
            h.equal(daemon.wait(10), 0, "exit status")
        daemon.stdout.close()


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    if daemon and daemon.poll() is None:
        daemon.kill()
        daemon.wait()
    bus.stop()
