#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The service without a bus, with one that comes late, that goes, and with rude clients."""
import os
import signal
import socket
import time

import harness as h


def session(test):
    """Gives a test a bus that is not started, and ends what it leaves behind."""

    def run():
        bus = h.Bus()
        services = []
        try:
            test(bus, services)
        finally:
            codes = [s.stop() for s in services]
            bus.stop()
        h.equal(codes, [0] * len(codes), "services end as asked")

    run.__name__ = test.__name__
    return run


@session
def test_bus_appears_later(bus, services):
    services.append(h.Service(bus))
    time.sleep(0.3)
    h.true(services[0].alive(), "runs without a bus")
    bus.start()
    connection = h.wait_owned(bus)
    h.equal(len(h.call(connection, "ListProcesses", "(us)", 0, "")[0]), 3)


@session
def test_bus_restarts(bus, services):
    bus.start()
    services.append(h.Service(bus))
    h.wait_owned(bus)
    for _ in range(2):
        bus.stop()
        time.sleep(0.3)
        h.true(services[0].alive(), "survives the loss of the bus")
        bus.start()
        connection = h.wait_owned(bus)
        h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move")
        log = ("LogLevel", "LogTarget", "SyslogIdentifier")
        h.equal([h.call(connection, "Get", "(ss)", "org.freedesktop.LogControl1", name,
                        interface=h.PROPERTIES, path="/org/freedesktop/LogControl1")[0] for name in log],
                ["info", "auto", "numabalancerd"], "LogControl1 is back as well")


@session
def test_bus_goes_while_polkit_and_readers_wait(bus, services):
    """Calls that wait, subscribers and a dump that is read slowly: nothing of it outlives the bus."""
    bus.start()
    services.append(h.Service(bus, "2000"))
    connection = h.wait_owned(bus)
    answer, fds = connection.call_with_unix_fd_list_sync(
        h.NAME, h.PATH, h.INTERFACE, "Dump", None, None, 0, 5000, None, None)
    with os.fdopen(fds.get(answer.unpack()[0]), "rb") as dump:
        for _ in range(20):
            connection.call(h.NAME, h.PATH, h.INTERFACE, "Resume", None, None, 0, 10000, None, None)
        connection.flush_sync(None)
        connection.set_exit_on_close(False)
        bus.stop()
        time.sleep(0.3)
        h.true(services[0].alive(), "survives")
        bus.start()
        h.equal(h.call(h.wait_owned(bus), "Resume"), ())
        h.true(len(dump.read().splitlines()) > 2000, "the dump is whole")


@session
def test_name_is_refused_for_a_while(bus, services):
    """A bus that cannot give the name now is asked again."""
    path = f"{bus.dir}/conf"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    limit = '<limit name="max_names_per_connection">0</limit></busconfig>'
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("</busconfig>", limit))
    bus.start()
    services.append(h.Service(bus))
    connection = bus.connect()
    time.sleep(0.5)
    h.true(not h.owned(connection) and services[0].alive(), "goes on without the name")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    bus.process.send_signal(signal.SIGHUP)
    h.true(h.wait_for(lambda: h.owned(connection), 5), "asks again")


@session
def test_name_is_taken(bus, services):
    bus.start()
    services.append(h.Service(bus))
    connection = h.wait_owned(bus)
    services.append(h.Service(bus))
    time.sleep(0.3)
    h.true(services[1].alive(), "goes on without the name")
    h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move", "the first still answers")


@session
def test_client_leaves_before_the_answer(bus, services):
    bus.start()
    services.append(h.Service(bus, "2000"))
    connection = h.wait_owned(bus)
    for _ in range(10):
        rude = bus.connect()
        for method, arguments in (("ListProcesses", h.GLib.Variant("(us)", (10000, ""))),
                                  ("Pause", h.GLib.Variant("(t)", (1000000,)))):
            rude.call(h.NAME, h.PATH, h.INTERFACE, method, arguments, None, 0, 10000, None, None)
        rude.flush_sync(None)
        rude.close_sync(None)
    h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move")
    h.equal(len(h.call(connection, "ListProcesses", "(us)", 10000, "")[0]), 2000)


@session
def test_garbage_on_the_bus(bus, services):
    """A client that speaks nonsense is the bus's business; the service does not notice."""
    bus.start()
    services.append(h.Service(bus))
    connection = h.wait_owned(bus)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{bus.dir}/bus")
        s.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() +
                  b"\r\nBEGIN\r\n" + b"\377" * 4096)
    h.equal(h.call(connection, "Explain", "(u)", 1000)[0], "move")


@session
def test_end_while_calls_wait(bus, services):
    bus.start()
    service = h.Service(bus)
    connection = h.wait_owned(bus)
    for _ in range(50):
        connection.call(h.NAME, h.PATH, h.INTERFACE, "Resume", None, None, 0, 10000, None, None)
    connection.flush_sync(None)
    h.equal(service.stop(), 0, "ends with calls under way")


h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
