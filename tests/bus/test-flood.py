#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many calls at once: each is answered, the tick is on time, memory stays bounded."""
import collections

from gi.repository import Gio, GLib

import harness as h

CLIENTS = 100
OUTSTANDING = 100  # the bus itself allows a client 128
LATE_MS = 100
BUSY = "org.numabalancer1.Error.Busy"

bus = h.Bus()
bus.start()
service = h.Service(bus, "200")
connection = h.wait_owned(bus)
clients = [bus.connect() for _ in range(CLIENTS)]

READING = [
    (h.INTERFACE, "GetStats", None), (h.INTERFACE, "Explain", GLib.Variant("(u)", (1000,))),
    (h.PROPERTIES, "Get", GLib.Variant("(ss)", (h.INTERFACE, "State"))),
    (h.INTERFACE, "ListProcesses", GLib.Variant("(us)", (20, "score"))),
    (h.INTERFACE, "ListNodes", None), (h.INTERFACE, "GetProcess", GLib.Variant("(u)", (1001,))),
    (h.PROPERTIES, "GetAll", GLib.Variant("(s)", (h.INTERFACE,))), (h.INTERFACE, "ListJobs", None),
    (h.INTERFACE, "Advise", GLib.Variant("(ut)", (1, 1 << 30))), (h.INTERFACE, "Diagnose", None),
]
CHANGING = [(h.INTERFACE, "Resume", None), (h.INTERFACE, "CancelJob", GLib.Variant("(t)", (8,)))]


def flood(kinds, outstanding, name=h.NAME, path=h.PATH):
    """All clients call at once; how the calls ended."""
    ends = collections.Counter()

    def finished(client, result):
        try:
            client.call_finish(result)
            ends[None] += 1
        except GLib.Error as e:
            ends[Gio.DBusError.get_remote_error(e) or e.message] += 1

    total = CLIENTS * outstanding
    for i in range(total):
        interface, method, arguments = kinds[i // CLIENTS % len(kinds)]
        clients[i % CLIENTS].call(name, path, interface, method, arguments, None, 0, 200000, None,
                                  finished)
    h.pump(lambda: sum(ends.values()) == total, 210)
    h.equal(sum(ends.values()), total, "calls that ended")
    return ends


def control():
    """How late the tick is when clients and bus are as busy, but the service is not called."""
    service.ticks()
    flood([("org.freedesktop.DBus", "GetNameOwner", GLib.Variant("(s)", (h.NAME,)))], 15,
          "org.freedesktop.DBus", "/org/freedesktop/DBus")
    _, late, _, n = service.ticks()
    h.true(n > 0, "no tick without calls")
    return late


def judge():
    late, own, between, n = service.ticks()
    alone = control()
    print(f"# late by {own:.1f} ms at most, {alone:.1f} ms without calls; {late:.1f} ms with waiting "
          f"for a CPU; {between:.1f} ms of CPU between two of {n} ticks")
    h.true(n > 0, "no tick")
    h.true(between <= LATE_MS, f"the loop did other work for {between} ms")
    # A machine that is busy otherwise delays everything.
    h.true(own <= LATE_MS or own <= 3 * alone, f"the tick was late by {own} ms")


def test_reading():
    service.ticks()
    h.equal(flood(READING, OUTSTANDING), {None: CLIENTS * OUTSTANDING}, "ends")
    judge()


def test_changing():
    """Calls that wait for the bus to tell who calls are bounded; the rest hear Busy, as documented."""
    service.ticks()
    ends = flood(CHANGING, 40)
    h.true(set(ends) <= {None, BUSY} and ends[None] > 0, f"{ends}")
    judge()


def test_wrong_calls():
    service.ticks()
    ends = flood([(h.INTERFACE, "Explain", GLib.Variant("(u)", (999,))),
                  (h.INTERFACE, "Nonsense", None)], 10)
    h.equal(set(ends), {"org.numabalancer1.Error.NoSuchProcess",
                        "org.freedesktop.DBus.Error.UnknownMethod"}, "ends")
    judge()


def test_long_lists():
    """What waits to be sent is bounded too."""
    service.ticks()
    ends = flood([(h.INTERFACE, "ListProcesses", GLib.Variant("(us)", (10000, "pid"))),
                  (h.INTERFACE, "Dump", None)], 8)
    h.true(set(ends) <= {None, BUSY} and ends[None] > 0, f"{ends}")
    judge()


def test_memory_is_bounded():
    """After the floods before, more of them must not make it grow."""
    before = service.memory_kib()
    for _ in range(2):
        flood(READING + CHANGING, 36)
    after, most = service.memory_kib(), service.memory_kib("VmHWM")
    print(f"# {before} KiB before, {after} KiB after, {most} KiB at most")
    h.true(after - before < 4096, f"grew from {before} to {after} KiB")
    h.true(most < 64 << 10, f"{most} KiB at most")


def test_serves_afterwards():
    h.true(service.alive(), "alive")
    h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move")
    h.equal(h.call(connection, "Resume"), ())


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
