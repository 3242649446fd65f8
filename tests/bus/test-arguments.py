#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad arguments of every method: the error that is documented, before anybody asks who calls."""
import itertools
import os
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus)
connection = h.wait_owned(bus)
shipped = ET.parse(os.path.join(h.TOP, "conf/org.numabalancer1.Manager.xml")).find(
    f"interface[@name='{h.INTERFACE}']")

FREEDESKTOP = "org.freedesktop.DBus.Error."
OWN = "org.numabalancer1.Error."
MIB = "x" * (1 << 20)
I32, U32, I64, U64 = 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1
ODD_PIDS = (0, I32 + 1, U32)
NO_PIDS = (1, 2, 999, 4194304, I32)  # none is among the made-up processes

# method, types, arguments, error
BAD = [
    *(("GetProcess", "u", (pid,), "InvalidArgs") for pid in ODD_PIDS),
    *(("Explain", "u", (pid,), "InvalidArgs") for pid in ODD_PIDS),
    *(("GetProcess", "u", (pid,), "NoSuchProcess") for pid in NO_PIDS),
    *(("Explain", "u", (pid,), "NoSuchProcess") for pid in NO_PIDS),
    *(("ListProcesses", "us", (n, "pid"), "InvalidArgs") for n in (10001, I32, U32)),
    *(("ListProcesses", "us", (0, s), "InvalidArgs") for s in (" ", "PID", "pid ", "pi", MIB)),
    *(("ListMigrations", "u", (n,), "InvalidArgs") for n in (1025, I32, U32)),
    *(("Advise", "ut", (n, 0), "InvalidArgs") for n in (I32, U32)),
    *(("Pause", "t", (n,), "InvalidArgs") for n in (3153600000000001, I64, U64)),
    ("CancelJob", "t", (0,), "InvalidArgs"),
    *(("CancelJob", "t", (n,), "NoSuchJob") for n in (1, I32, U32, I64, U64)),
    *(("Migrate", "utiit", (pid, 0, -1, 0, 0), "InvalidArgs") for pid in ODD_PIDS),
    *(("Migrate", "utiit", (pid, 0, -1, 0, 0), "NoSuchProcess") for pid in NO_PIDS),
    *(("Migrate", "utiit", (1000, n, -1, 0, 0), "NoSuchProcess") for n in (2, I64, U64)),
    *(("Migrate", "utiit", (1000, 0, a, b, 0), "InvalidNode") for a, b in (
        (-2, 0), (0, -2), (-I32 - 1, 0), (0, -I32 - 1), (0, 0), (4, 4), (I32, I32), (-1, I32),
        (4, 5), (-1, 1024))),
    *(("Migrate", "utiit", (1000, 0, -1, 0, n), "InvalidArgs") for n in (2, 3, I64, U64)),
    ("Migrate", "utiit", (1000, 0, -1, 4, 0), "NotAllowed"),
    ("Migrate", "utiit", (1000, 0, 0, -1, 0), "Busy"),
]

# At the edge of what is allowed.
GOOD = [
    ("ListProcesses", "us", (10000, "")), ("ListMigrations", "u", (1024,)),
    ("GetHistory", "t", (U64,)), ("Advise", "ut", (0, 0)), ("Advise", "ut", (1, U64)),
    ("Advise", "ut", (1, I64)), ("Pause", "t", (3153600000000000,)), ("Resume", "", ()),
]
CHANGING = {"Migrate", "CancelJob", "Pause", "Resume", "Reload", "Record"}


def full_name(name):
    standard = ("InvalidArgs", "AccessDenied", "UnknownMethod", "UnknownInterface",
                "UnknownObject", "UnknownProperty")
    return (FREEDESKTOP if name in standard else OWN) + name


def short(values):
    return ", ".join(repr(v)[:40] for v in values)


def error(method, types, values):
    return h.error_of(connection, method, f"({types})" if types else None, *values)


def arguments(method):
    return "".join(a.get("type") for a in method.findall("arg") if a.get("direction") == "in")


def test_bad_arguments():
    for method, types, values, name in BAD:
        h.equal(error(method, types, values), full_name(name), f"{method}({short(values)})")
    h.equal(h.call(connection, "Get", "(ss)", h.INTERFACE, "State", interface=h.PROPERTIES)[0],
            "running", "nothing has changed")


def test_edges_are_allowed():
    for method, types, values in GOOD:
        h.equal(error(method, types, values), None, f"{method}({short(values)})")


def test_each_method_is_tried():
    methods = {m.get("name") for m in shipped.findall("method") if arguments(m)}
    h.equal(methods - {method for method, *_ in BAD + GOOD}, {"Record"}, "without a case")
    kinds = {a.get("type") for m in shipped.findall("method") for a in m.findall("arg")
             if a.get("direction") == "in"}
    h.true("d" not in kinds, "a method takes a double: try it with NaN and infinity")


VALUES = {"": (), "s": ("",), "u": (1,), "i": (-1,), "t": (1,), "d": (float("nan"),),
          "v": (GLib.Variant("u", 1),), "as": (["a"],), "ss": ("1", MIB), "uu": (1, 1),
          "ut": (1, 1), "us": (1, "pid"), "uts": (1, 1, ""), "utiit": (1, 0, 0, 1, 0),
          "utiitt": (1, 0, 0, 1, 0, 0), "x": (-1,), "b": (True,), "o": ("/",), "ay": (b"\xff",),
          "a{sv}": ({},)}


def test_wrong_signatures():
    for method in shipped.findall("method"):
        right = arguments(method)
        for types, values in VALUES.items():
            if types != right:
                h.equal(error(method.get("name"), types, values), full_name("InvalidArgs"),
                        f"{method.get('name')} with {types!r} for {right!r}")


def record(descriptor, seconds, handle=0):
    fds = Gio.UnixFDList.new_from_array([os.dup(descriptor)])
    try:
        connection.call_with_unix_fd_list_sync(
            h.NAME, h.PATH, h.INTERFACE, "Record", GLib.Variant("(hu)", (handle, seconds)), None,
            0, 5000, fds, None)
    except GLib.Error as e:
        return Gio.DBusError.get_remote_error(e)
    return None


def test_record():
    path = os.path.join(bus.dir, "recording")
    with open(path, "wb") as f:
        for seconds in (0, 86401, I32, U32):
            h.equal(record(f.fileno(), seconds), full_name("InvalidArgs"), str(seconds))
    with open(path, "rb") as f:
        h.equal(record(f.fileno(), 1), full_name("InvalidArgs"), "not open for writing")
    with open(path, "wb") as f:
        h.equal(record(f.fileno(), 86400), None, "the longest")
        h.equal(record(f.fileno(), 1), full_name("Busy"), "a second one")


def test_unknown_members():
    for method, options, name in (
            ("Nonsense", {}, "UnknownMethod"), ("getStats", {}, "UnknownMethod"),
            ("M" * 255, {}, "UnknownMethod"),
            ("GetStats", {"path": "/"}, "UnknownObject"),
            ("GetStats", {"path": "/org/numabalancer1/" + "p" * 60000}, "UnknownObject"),
            ("GetStats", {"path": "/org/freedesktop/LogControl1"}, "UnknownMethod")):
        got = h.error_of(connection, method, **options)
        h.true(got in (full_name(name), full_name("UnknownInterface")), f"{method[:40]}: {got}")
    for name in ("", "state", "Nonsense", MIB):
        got = h.error_of(connection, "Get", "(ss)", h.INTERFACE, name, interface=h.PROPERTIES)
        h.equal(got, full_name("UnknownProperty"), name[:40])
    for interface in ("org.example", ""):
        got = h.error_of(connection, "Get", "(ss)", interface, "State", interface=h.PROPERTIES)
        h.true(got and got.startswith(FREEDESKTOP), f"{interface!r}: {got}")


def test_longest_path():
    """sd-bus drops messages with a path beyond 64 KiB unanswered; the others get theirs."""
    connection.call(h.NAME, "/org/numabalancer1/" + MIB, h.INTERFACE, "GetStats", None, None, 0,
                    100, None, None)
    connection.flush_sync(None)
    h.equal(error("GetStats", "", ()), None)


def test_log_control():
    if os.geteuid() != 0:
        raise h.Skip("root, to change the log level")
    for name, value in itertools.product(("LogLevel", "LogTarget"),
                                         ("", " ", "DEBUG", "7", "info\n", MIB)):
        got = h.error_of(connection, "Set", "(ssv)", "org.freedesktop.LogControl1", name,
                         GLib.Variant("s", value), interface=h.PROPERTIES,
                         path="/org/freedesktop/LogControl1")
        h.equal(got, full_name("InvalidArgs"), f"{name} {value[:10]!r}")


CLIENT = """
import sys
sys.path.insert(0, sys.argv[1])
import harness as h
connection = h.Gio.DBusConnection.new_for_address_sync(sys.argv[2], h.Gio.DBusConnectionFlags(9),
                                                       None, None)
for method, types, values in eval(sys.argv[3]):
    print(h.error_of(connection, method, f"({types})" if types else None, *values))
"""


def as_nobody(calls):
    """The errors that another user gets."""
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    r = bus.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3",
                "-c", CLIENT, os.path.dirname(os.path.abspath(__file__)), bus.address, repr(calls))
    h.equal((r.returncode, r.stderr), (0, ""))
    return r.stdout.split()


# The others are found out when the call is carried out.
BEFORE = ("InvalidArgs", "InvalidNode")


def test_arguments_come_before_the_caller():
    cases = [c for c in BAD if c[0] in CHANGING]
    got = as_nobody([c[:3] for c in cases])
    h.equal(len(got), len(cases), "answers")
    for (method, _, values, name), answer in zip(cases, got):
        h.equal(answer, full_name(name if name in BEFORE else "AccessDenied"),
                f"{method}({short(values)})")


def test_another_user():
    reading = [(m, t, v) for m, t, v in GOOD if m not in CHANGING] + [
        (m, "", ()) for m in ("GetStats", "ListNodes", "ListJobs", "Diagnose", "Dump")] + [
        ("GetProcess", "u", (1000,)), ("Explain", "u", (1000,))]
    h.equal(as_nobody(reading), ["None"] * len(reading), "reading")
    changing = [("Pause", "t", (0,)), ("Resume", "", ()), ("Reload", "", ()),
                ("CancelJob", "t", (8,)), ("Migrate", "utiit", (1000, 0, -1, 0, 0))]
    h.equal({m for m, *_ in reading + changing} | {"ListMigrations", "Record"},
            {m.get("name") for m in shipped.findall("method")}, "methods")
    h.equal(as_nobody(changing), [full_name("AccessDenied")] * len(changing), "changing")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
