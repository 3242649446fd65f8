#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: another user reads everything and changes nothing."""
import os

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus)
connection = h.wait_owned(bus)


def as_nobody(*command):
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    return bus.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command)


def busctl(*arguments):
    return as_nobody("busctl", f"--address={bus.address}", *arguments)


def manager(method, *arguments):
    return busctl("call", h.NAME, h.PATH, h.INTERFACE, method, *arguments)


def test_reading_is_open():
    for method, *arguments in (("GetStats",), ("ListProcesses", "us", "0", "score"),
                               ("GetProcess", "u", "1000"), ("Explain", "u", "1000"), ("ListNodes",), ("ListJobs",),
                               ("ListMigrations", "u", "0"), ("GetHistory", "t", "0")):
        r = manager(method, *arguments)
        h.equal((r.returncode, r.stderr), (0, ""), method)
    r = busctl("get-property", h.NAME, h.PATH, h.INTERFACE, "State", "Version")
    h.true(r.returncode == 0 and 's "running"' in r.stdout, r.stderr)
    r = busctl("introspect", h.NAME, h.PATH)
    h.true(r.returncode == 0 and ".ListProcesses" in r.stdout, r.stderr)


def test_changing_is_refused():
    for method, *arguments in (("Pause", "t", "1000000"), ("Pause", "t", "0"), ("Resume",),
                               ("Reload",), ("CancelJob", "t", "8")):
        r = manager(method, *arguments)
        h.true(r.returncode != 0 and "Access denied" in r.stderr, f"{method}: {r.stderr}")
    state = h.call(connection, "Get", "(ss)", h.INTERFACE, "State", interface=h.PROPERTIES)[0]
    h.equal(state, "running", "nothing changed")


def test_arguments_come_first():
    r = manager("Pause", "t", str(2**63))
    h.true("A pause lasts at most" in r.stderr, r.stderr)


def test_log_level_is_not_for_everybody():
    r = busctl("set-property", h.NAME, "/org/freedesktop/LogControl1",
               "org.freedesktop.LogControl1", "LogLevel", "s", "debug")
    h.true(r.returncode != 0, "changed")
    r = busctl("get-property", h.NAME, "/org/freedesktop/LogControl1",
               "org.freedesktop.LogControl1", "LogLevel")
    h.equal(r.stdout.strip(), 's "info"')


def test_name_cannot_be_taken():
    r = as_nobody("/usr/bin/python3", "-c",
                  "import sys\nsys.path.insert(0, sys.argv[1])\n"
                  "import harness as h\n"
                  "from gi.repository import Gio\n"
                  "c = Gio.DBusConnection.new_for_address_sync(sys.argv[2],"
                  " Gio.DBusConnectionFlags(9), None, None)\n"
                  "print(h.error_of(c, 'RequestName', '(su)', h.NAME, 3,"
                  " interface='org.freedesktop.DBus', path='/org/freedesktop/DBus',"
                  " name='org.freedesktop.DBus'))",
                  os.path.dirname(os.path.abspath(__file__)), bus.address)
    h.equal(r.stdout.strip(), "org.freedesktop.DBus.Error.AccessDenied", r.stderr)


def test_waiting_calls_are_bounded():
    """More changing calls at once than are kept waiting: the rest hear Busy, none is lost."""
    if os.geteuid() != 0:
        raise h.Skip("root, whose calls are carried out")
    done = []

    def finished(c, result):
        try:
            c.call_finish(result)
            done.append(None)
        except h.GLib.Error as e:
            done.append(h.Gio.DBusError.get_remote_error(e))

    # The bus itself allows a client 128 calls without an answer.
    clients = [bus.connect() for _ in range(5)]
    for i in range(500):
        clients[i % 5].call(h.NAME, h.PATH, h.INTERFACE, "Resume", None, None, 0, 10000, None, finished)
    h.pump(lambda: len(done) == 500)
    h.equal(len(done), 500, "answers")
    h.true(set(done) <= {None, "org.numabalancer1.Error.Busy"}, f"{set(done)}")
    h.true(None in done, "none was carried out")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
