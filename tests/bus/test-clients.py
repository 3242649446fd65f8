#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every member, asked for with busctl, gdbus and GLib: the types are those of the shipped XML, and
all three are told the same."""
import json
import os
import subprocess
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus)
connection = h.wait_owned(bus)
shipped = ET.parse(os.path.join(h.TOP, "conf/org.numabalancer1.Manager.xml")).find(
    f"interface[@name='{h.INTERFACE}']")

# Methods with arguments that work with the made-up data. Those that hand over a file descriptor
# cannot be called from a shell.
CALLS = {
    "GetStats": (), "ListProcesses": (3, "pid"), "GetProcess": (1000,), "Explain": (1001,),
    "ListNodes": (), "ListJobs": (), "ListMigrations": (1024,), "GetHistory": (0,),
    "Advise": (3, 1 << 30), "Diagnose": (), "Migrate": (1000, 1, 4, 0, 1), "CancelJob": (8,),
    "Pause": (3600000000,), "Resume": (),
}
# Reload is refused every second time; see its test.
OTHERS = {"Reload", "Record", "Dump"}
# Grow with the time.
MOVING = {"age_usec", "next_pass_in_usec", "end_usec"}


def signature(method, direction):
    node = shipped.find(f"method[@name='{method}']")
    return "".join(a.get("type") for a in node.findall("arg") if a.get("direction") == direction)


def plain(data):
    """busctl's JSON without the types of variants."""
    if isinstance(data, dict) and set(data) == {"type", "data"}:
        return plain(data["data"])
    if isinstance(data, dict):
        return {k: plain(v) for k, v in data.items()}
    return [plain(v) for v in data] if isinstance(data, list) else data


def steady(data):
    """Tuples as lists, and without what changes from call to call."""
    if isinstance(data, dict):
        return {k: steady(v) for k, v in data.items() if k not in MOVING}
    return [steady(v) for v in data] if isinstance(data, (list, tuple)) else data


def glib(method, *values, interface=h.INTERFACE, types=None):
    types = signature(method, "in") if types is None else types
    return connection.call_sync(h.NAME, h.PATH, interface, method,
                                GLib.Variant(f"({types})", values) if types else None, None, 0,
                                5000, None)


def busctl(verb, *arguments):
    r = bus.run("busctl", f"--address={bus.address}", "--json=short", verb, h.NAME, h.PATH,
                h.INTERFACE, *arguments)
    h.equal((r.returncode, r.stderr), (0, ""), str(arguments))
    return r.stdout


def gdbus(method, types, *values):
    """The answer, read back from GLib's text form with the type that the XML promises."""
    r = bus.run("gdbus", "call", "--address", bus.address, "--dest", h.NAME, "--object-path",
                h.PATH, "--method", method, "--", *map(str, values))
    h.equal((r.returncode, r.stderr), (0, ""), f"{method} {values}")
    return GLib.Variant.parse(GLib.VariantType.new(types), r.stdout.strip(), None, None)


def test_calls_cover_the_interface():
    names = {m.get("name") for m in shipped.findall("method")}
    h.equal(names - OTHERS, set(CALLS), "methods")


def test_properties_of_all_clients():
    everything = glib("GetAll", h.INTERFACE, interface=h.PROPERTIES, types="s").get_child_value(0)
    names = [p.get("name") for p in shipped.findall("property")]
    h.equal(set(everything.unpack()), set(names), "names")
    lines = busctl("get-property", *names).splitlines()
    h.equal(len(lines), len(names), "busctl")
    for line, node in zip(lines, shipped.findall("property")):
        name, kind = node.get("name"), node.get("type")
        value = everything.lookup_value(name, None)
        h.equal(value.get_type_string(), kind, name)
        h.equal(json.loads(line), {"type": kind, "data": value.unpack()}, f"busctl {name}")
    for node in shipped.findall("property"):
        name = node.get("name")
        if node.get("type") != "s" and name not in ("NodeCount", "StartTimestamp"):
            continue  # a process for each is dear
        answer = gdbus(f"{h.PROPERTIES}.Get", "(v)", h.INTERFACE, name)
        value = answer.get_child_value(0).get_variant()
        h.true(value.equal(everything.lookup_value(name, None)), f"gdbus {name}: {value}")


def test_methods_of_all_clients():
    for method, values in CALLS.items():
        out, types = f"({signature(method, 'out')})", signature(method, "in")
        a = glib(method, *values)
        h.equal(a.get_type_string(), out, method)
        b = busctl("call", method, *((types, "--", *map(str, values)) if types else ()))
        b = json.loads(b) if b.strip() else {"type": "", "data": []}
        h.equal(f"({b['type']})", out, f"busctl {method}")
        h.equal(steady(plain(b["data"])), steady(a.unpack()), f"busctl {method}")
        c = gdbus(f"{h.INTERFACE}.{method}", out, *values)
        h.equal(steady(c.unpack()), steady(a.unpack()), f"gdbus {method}")


def variants(value):
    """The (key, type) of all dictionaries with text keys in a value."""
    if value.get_type_string() == "a{sv}":
        for i in range(value.n_children()):
            pair = value.get_child_value(i)
            yield pair.get_child_value(0).get_string(), \
                pair.get_child_value(1).get_variant().get_type_string()
    elif value.is_container():
        for i in range(value.n_children()):
            yield from variants(value.get_child_value(i))


def test_keys_have_the_documented_types():
    with open(os.path.join(h.TOP, "docs/org.numabalancer1.5.rst"), encoding="utf-8") as f:
        text = f.read()
    seen = set()
    for method in ("ListProcesses", "GetProcess", "Explain", "ListNodes", "ListJobs",
                   "ListMigrations", "GetStats", "GetHistory"):
        for key, kind in variants(glib(method, *CALLS[method])):
            h.true(f"``{key}`` ({kind})" in text, f"{method}: {key} ({kind}) is not documented so")
            seen.add(key)
    h.true(len(seen) > 70, f"only {len(seen)} keys were seen")


def test_reload_of_all_clients():
    h.equal(h.error_of(connection, "Reload"), "org.numabalancer1.Error.ConfigInvalid")
    h.equal(busctl("call", "Reload"), "", "busctl")
    r = bus.run("gdbus", "call", "--address", bus.address, "--dest", h.NAME, "--object-path",
                h.PATH, "--method", f"{h.INTERFACE}.Reload")
    h.true(r.returncode != 0 and
           "GDBus.Error:org.numabalancer1.Error.ConfigInvalid: /etc/numabalancer.conf:3" in r.stderr,
           r.stderr)
    h.equal(h.call(connection, "Reload"), (), "GLib")


def test_record_takes_a_descriptor():
    path = os.path.join(bus.dir, "recording")
    with open(path, "wb") as f:
        fds = Gio.UnixFDList.new_from_array([os.dup(f.fileno())])
        answer = connection.call_with_unix_fd_list_sync(
            h.NAME, h.PATH, h.INTERFACE, "Record", GLib.Variant("(hu)", (0, 2)), None, 0, 5000,
            fds, None)[0]
    h.equal(answer.unpack(), ())
    with open(path, encoding="utf-8") as f:
        h.equal(f.read(), "recording for 2 s\n")


def monitor(*command):
    return subprocess.Popen(command, env=bus.environment(), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def lines_until(process, text):
    """Lines of a monitor until one has the text, which pokes the service until it is heard."""
    os.set_blocking(process.stdout.fileno(), False)
    read = []

    def heard():
        read.append((process.stdout.read() or b"").decode())
        if text not in "".join(read):
            service.poke()
            return False
        return True

    try:
        h.true(h.wait_for(heard, 15), f"{text!r} in {''.join(read)!r}")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    return "".join(read).splitlines()


def test_signal_of_all_clients():
    node = shipped.find("signal[@name='JobFinished']")
    kind = f"({''.join(a.get('type') for a in node.findall('arg'))})"
    expected = (7, 1000, "ev\\x09il", 4, 0, 409600, 28, "partly", "partly")
    heard = []
    subscription = connection.signal_subscribe(
        h.NAME, h.INTERFACE, "JobFinished", h.PATH, None, 0, lambda *a: heard.append(a[5]))
    h.owned(connection)
    service.poke()
    h.pump(lambda: heard, 5)
    connection.signal_unsubscribe(subscription)
    h.equal((heard[0].get_type_string(), heard[0].unpack()), (kind, expected), "GLib")
    out = lines_until(monitor("gdbus", "monitor", "--address", bus.address, "--dest", h.NAME),
                      ".JobFinished (")
    line = next(x for x in out if ".JobFinished (" in x)
    got = GLib.Variant.parse(GLib.VariantType.new(kind), line[line.index(" (") + 1:], None, None)
    h.equal(got.unpack(), expected, "gdbus")
    if os.geteuid() != 0:
        raise h.Skip("root, to monitor the bus with busctl")
    out = lines_until(monitor("busctl", f"--address={bus.address}", "--json=short", "monitor",
                              h.NAME), '"JobFinished"')
    got = next(json.loads(x) for x in out if '"JobFinished"' in x)["payload"]
    h.equal((f"({got['type']})", tuple(got["data"])), (kind, expected), "busctl")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
