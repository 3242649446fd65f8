#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that leave in the middle, send halves, or never read: the others are served as before."""
import os
import signal
import socket
import subprocess

from gi.repository import Gio, GLib

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus, "500")
connection = h.wait_owned(bus)


def message(method, arguments=None, serial=2, interface=h.INTERFACE, path=h.PATH, name=h.NAME):
    """A call as bytes."""
    m = Gio.DBusMessage.new_method_call(name, path, interface, method)
    if arguments:
        m.set_body(arguments)
    m.set_serial(serial)
    return m.to_blob(Gio.DBusCapabilityFlags.NONE)


LONG = GLib.Variant("(us)", (10000, "score"))  # the answer takes some 200 KB


class Raw:
    """A client without a library, which can therefore be as rude as it likes."""

    def __init__(self, window=0):
        self.socket = socket.socket(socket.AF_UNIX)
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(10)
        self.socket.connect(f"{bus.dir}/bus")
        self.send(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        h.true(self.socket.recv(4096).startswith(b"OK"), "authenticated")
        hello = message("Hello", None, 1, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus")
        self.send(b"BEGIN\r\n" + hello)
        h.true(self.socket.recv(4096), "greeted")

    def send(self, data):
        self.socket.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def serves(what):
    h.true(service.alive(), f"{what}: alive")
    h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move", what)
    h.equal(h.call(connection, "Resume"), (), what)


def steady(test):
    """After the test the service is served, and has neither more descriptors nor much more memory."""

    def run():
        serves("before")
        h.equal(len(h.call(connection, "ListProcesses", "(us)", 10000, "score")[0]), 500)
        descriptors, kib = service.descriptors(), service.memory_kib()
        test()
        serves("after")
        # Fewer, where the connection of an earlier test was still being closed at first.
        h.wait_for(lambda: service.descriptors() <= descriptors, 5)
        h.true(service.descriptors() <= descriptors,
               f"{service.descriptors()} descriptors, {descriptors} before")
        grown = service.memory_kib() - kib
        h.true(grown < 8192, f"grew by {grown} KiB")

    run.__name__ = test.__name__
    return run


@steady
def test_leaves_in_mid_reply():
    for i in range(60):
        with Raw(4096) as client:
            client.send(message("ListProcesses", LONG) * 3)
            h.true(client.socket.recv(1000 + i), "the answer has begun")


@steady
def test_leaves_before_the_reply():
    for method, arguments in (("ListProcesses", LONG), ("Resume", None), ("Dump", None),
                              ("CancelJob", GLib.Variant("(t)", (8,))),
                              ("Migrate", GLib.Variant("(utiit)", (1000, 1, 4, 0, 1)))):
        for _ in range(80):  # more than may wait for an answer at once
            with Raw() as client:
                client.send(message(method, arguments))
        serves(method)


@steady
def test_is_killed_while_it_asks():
    script = f"busctl --address={bus.address} call {h.NAME} {h.PATH} {h.INTERFACE} ListProcesses us 0 pid"
    for delay in (0.002, 0.005, 0.01, 0.02):
        clients = [subprocess.Popen(script.split(), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for _ in range(3)]
        h.wait_for(lambda: False, delay)
        for client in clients:
            client.send_signal(signal.SIGKILL)
            client.wait()


@steady
def test_half_a_message():
    call = message("ListProcesses", LONG)
    clients = [Raw() for _ in range(20)]
    for i, client in enumerate(clients):
        client.send(call + call[:len(call) * (i + 1) // 22])
    serves("half a message is outstanding")
    for client in clients[::2]:
        client.send(b"\377" * 100)  # and it goes on with nonsense
    serves("nonsense has come")
    for client in clients:
        client.socket.close()


@steady
def test_sends_byte_by_byte():
    with Raw() as client:
        for byte in message("Explain", GLib.Variant("(u)", (1000,))):
            client.send(bytes((byte,)))
            if byte == 0x6c:
                serves("while it sends")
        # What the bus has told it before, and the answer.
        heard = b""
        while b"worker-0" not in heard:
            part = client.socket.recv(65536)
            h.true(part, "the bus has closed the connection")
            heard += part


@steady
def test_never_reads():
    """The answers wait on the bus; the service neither waits nor keeps them."""
    with Raw(4096) as client:
        for serial in range(2, 120):
            client.send(message("ListProcesses", LONG, serial))
        for _ in range(5):
            serves("the answers are not read")
        late = [service.ticks(), h.wait_for(lambda: False, 0.3), service.ticks()][2]
        h.true(late[1] <= 100, f"the tick was late by {late[1]} ms")


@steady
def test_never_reads_signals():
    rule = GLib.Variant("(s)", ("type='signal'",))
    with Raw(4096) as client:
        client.send(message("AddMatch", rule, 2, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus"))
        for _ in range(300):
            service.poke()
            h.call(connection, "Pause", "(t)", 0)
            h.call(connection, "Resume")
        serves("the signals are not read")


def dump():
    """The reading end of a dump."""
    answer, fds = connection.call_with_unix_fd_list_sync(
        h.NAME, h.PATH, h.INTERFACE, "Dump", None, None, 0, 5000, None, None)
    return fds.get(answer.unpack()[0])


@steady
def test_never_reads_a_dump():
    """Threads wait for the readers, not the loop; and there are two at most."""
    fds = [dump(), dump()]
    try:
        h.equal(h.error_of(connection, "Dump"), "org.numabalancer1.Error.Busy", "a third")
        service.ticks()
        for _ in range(5):
            serves("dumps are not read")
        h.wait_for(lambda: False, 0.3)
        h.true(service.ticks()[1] <= 100, "the tick was late")
        h.true(service.memory_kib() < 64 << 10, "memory")
        with os.fdopen(fds.pop(), "rb") as f:
            h.true(len(f.read().splitlines()) > 500, "and then it is read to its end")
        h.true(h.wait_for(lambda: h.error_of(connection, "Dump") is None, 5), "room again")
    finally:
        for fd in fds:
            os.close(fd)


@steady
def test_leaves_in_mid_dump():
    for i in range(20):
        fd = None
        while fd is None:
            try:
                fd = dump()
            except GLib.Error as e:
                h.true("Other dumps" in e.message, e.message)
        h.true(os.read(fd, 100 * i + 1), "it has begun")
        os.close(fd)


@steady
def test_asks_for_no_reply():
    flags = Gio.DBusMessageFlags.NO_REPLY_EXPECTED
    calls = []
    for i, (method, arguments) in enumerate((("ListProcesses", LONG), ("Pause", GLib.Variant(
            "(t)", (0,))), ("Resume", None), ("Explain", GLib.Variant("(u)", (999,))),
            ("Nonsense", None))):
        m = Gio.DBusMessage.new_method_call(h.NAME, h.PATH, h.INTERFACE, method)
        m.set_flags(flags)
        if arguments:
            m.set_body(arguments)
        m.set_serial(i + 2)
        calls.append(m.to_blob(Gio.DBusCapabilityFlags.NONE))
    with Raw() as client:
        client.send(b"".join(calls) * 50)
        serves("calls without answers")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
