#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Members of org.numabalancer1.Manager: types, values, arguments, signals, introspection."""
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus)
connection = h.wait_owned(bus)

PROPERTY_VALUES = {
    "Mode": ("s", "act"), "State": ("s", "running"), "StateReason": ("s", "running"),
    "Source": ("s", "clock"), "SourceReason": ("s", "the first that works"),
    "KernelBalancing": ("s", "off"), "PausedUntilUSec": ("t", 0), "LastReloadError": ("s", ""),
    "NodeCount": ("u", 2), "StartTimestamp": ("t", 1700000000000000),
    "StartTimestampMonotonic": ("t", 12345678), "ProcessesTracked": ("u", 3),
    "CPUUsageUSec": ("t", 250000),
}
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"


def counters():
    """Public names in the order of model/stats.h, which the fake service numbers from 1000."""
    with open(os.path.join(h.TOP, "daemon/model/stats.h"), encoding="utf-8") as f:
        table = f.read().partition("#define COUNTER_TABLE")[2]
        return re.findall(r'COUNTER\(\w+,\s*"(\w+)"', table)


def test_properties():
    answer = connection.call_sync(h.NAME, h.PATH, h.PROPERTIES, "GetAll",
                                  GLib.Variant("(s)", (h.INTERFACE,)), None, 0, 5000, None)
    values = answer.get_child_value(0)
    names = set(values.unpack())
    for name, (kind, value) in PROPERTY_VALUES.items():
        v = values.lookup_value(name, None)
        h.true(v is not None, f"{name} is missing")
        h.equal(v.get_type_string(), kind, name)
        h.equal(v.unpack(), value, name)
    from_counters = [n for n in counters() if n in names]
    h.true(len(from_counters) >= 9, f"too few counters are properties: {from_counters}")
    for name in from_counters:
        v = values.lookup_value(name, None)
        h.equal(v.get_type_string(), "t", name)
        h.equal(v.unpack(), 1000 + counters().index(name), name)
    h.equal(names, set(PROPERTY_VALUES) | set(from_counters) | {"Version"}, "names")


def test_properties_are_read_only():
    for name in ("Mode", "PagesMoved"):
        h.equal(h.error_of(connection, "Set", "(ssv)", h.INTERFACE, name, GLib.Variant("s", "x"),
                           interface=h.PROPERTIES),
                "org.freedesktop.DBus.Error.PropertyReadOnly", name)


def test_stats():
    stats = h.call(connection, "GetStats")[0]
    for i, name in enumerate(counters()):
        h.equal(stats.pop(name, None), 1000 + i, name)
    failures = stats.pop("FailuresByErrno")
    h.equal(failures["EBUSY"], 100, "EBUSY")
    h.equal(stats.pop("FailedBytesByErrno"), {k: 4096 * n for k, n in failures.items()}, "bytes")
    h.equal(failures["other"], 100 + len(failures) - 1, "other")
    for first, name in ((200, "KernelPagesMoved"), (300, "KernelPagesFailed"), (400, "KernelHugePagesMoved")):
        moves = stats.pop(name)
        h.equal((moves["compaction"], moves["other"]), (first, first + len(moves) - 1), name)
        h.equal("numa_misplaced" in moves, True, name)
    h.equal(stats, {"SamplerUSec": 50000, "CPUUsageUSec": 250000, "ProcessesTracked": 3, "JobsActive": 1}, "others")


def test_list_processes():
    rows = h.call(connection, "ListProcesses", "(us)", 0, "")[0]
    h.equal([r["pid"] for r in rows], [1000, 1001, 1002], "default order")
    h.equal(rows[0], {
        "pid": 1000, "starttime": 5000, "comm": "worker-0", "unit": "worker@1.service",
        "source": "clock", "score": 0.2, "remote_share": 0.97, "remote_lower": 0.93,
        "remote_upper": 0.98, "home_node": 4, "target_node": 0, "state": "moving",
        "reason": "move"}, "first row")
    h.equal(rows[1]["comm"], "ev\\x1b[2Jil\\x0a\\xff", "a hostile name is escaped")
    h.equal(rows[1]["target_node"], -1, "no target")
    rows = h.call(connection, "ListProcesses", "(us)", 2, "pid")[0]
    h.equal(len(rows), 2, "max")


def test_list_arguments():
    for types, values in (("(us)", (10001, "")), ("(us)", (0, "size")), ("(us)", (0, "Score")),
                          ("(u)", (1,)), ("(ss)", ("1", "pid"))):
        h.equal(h.error_of(connection, "ListProcesses", types, *values), INVALID_ARGS,
                f"{types} {values}")
    h.equal(h.error_of(connection, "ListProcesses", "(us)", 10000, "remote"), None, "the most")


def test_get_process():
    row = h.call(connection, "GetProcess", "(u)", 1000)[0]
    expected = {"samples": 200.0, "source_passed_over": "none", "source_reason": "none", "run_node": 0, "run_share": 0.99, "cpu_share": 1.0,
                "stall_share": 0.2, "observed": 0.93, "threshold": 0.3, "age_usec": 90000000,
                "rss_bytes": 512 << 20, "move_bytes": 512 << 20, "gain_usec": 18000000,
                "cost_usec": 1000000, "horizon_usec": 90000000, "uid": 998, "threads": 4}
    for key, value in expected.items():
        h.equal(row.get(key), value, key)
    h.equal(h.call(connection, "GetProcess", "(u)", 1002)[0]["observed"], 0.0, "no NaN on the bus")
    h.equal((row["nodes"], row["accesses"], row["resident_bytes"]),
            ([0, 4], [1.0, 97.0, 0.0, 2.0], [12 << 20, 500 << 20]), "where its memory is")
    h.true("accesses" not in h.call(connection, "GetProcess", "(u)", 1002)[0], "not watched")
    for pid in (0, 0x80000000, 0xffffffff):
        h.equal(h.error_of(connection, "GetProcess", "(u)", pid), INVALID_ARGS, str(pid))
    h.equal(h.error_of(connection, "GetProcess", "(u)", 999),
            "org.numabalancer1.Error.NoSuchProcess", "999")


def test_explain():
    reason, text, numbers = h.call(connection, "Explain", "(u)", 1001)
    h.equal(reason, "low-remote", "reason")
    h.true(text.startswith("ev\\x1b[2Jil\\x0a\\xff[1001] makes fewer remote accesses"), text)
    h.true("gates.min_remote_percent" in text and "30 %" in text, text)
    h.equal(numbers["threshold"], 0.3, "threshold")
    h.equal(h.error_of(connection, "Explain", "(u)", 1), "org.numabalancer1.Error.NoSuchProcess")


def test_nodes():
    nodes = h.call(connection, "ListNodes")[0]
    h.equal(nodes, [
        {"node": 0, "cpus": 4, "memory_bytes": 4 << 30, "available_bytes": 3 << 30,
         "blocked_usec": 0, "cpu_share": 2.5, "distances": [10, 21], "accesses": [10.0, 70.0]},
        {"node": 4, "cpus": 2, "memory_bytes": 4 << 30, "available_bytes": 1 << 30,
         "blocked_usec": 0, "cpu_share": 0.5, "distances": [21, 10], "accesses": [5.0, 15.0]}])


def test_jobs():
    job, = h.call(connection, "ListJobs")[0]
    h.true(job.pop("age_usec") > 0, "age")
    h.equal(job.pop("pages_shared", 0), 0, "shared")
    h.equal(job, {
        "job": 8, "pid": 1000, "starttime": 5000, "comm": "worker-0", "unit": "",
        "from_nodes": "4", "to_node": 0, "state": "waiting", "reason": "none", "ranges": 0,
        "bytes_planned": 512 << 20, "pages_planned": 131072, "pages_moved": 100000,
        "pages_failed": 0, "pages_retry": 31072, "pages_gone": 0, "bytes_moved": 409600000,
        "passes": 1, "busy_usec": 0, "limit": "none", "score": 0.0, "remote_before": 0.97,
        "next_pass_in_usec": 0})


def test_history():
    # The first row is made after ten seconds; what rows hold is tested with the table itself.
    h.equal(h.call(connection, "GetHistory", "(t)", 0)[0], [])
    h.equal(h.error_of(connection, "GetHistory", "(u)", 0), INVALID_ARGS)


def test_advise():
    h.equal(h.call(connection, "Advise", "(ut)", 1, 2 << 30)[0], [0], "room on node 0")
    h.equal(h.call(connection, "Advise", "(ut)", 3, 0)[0], [0, 4], "more CPUs than are idle on one")
    h.equal(h.error_of(connection, "Advise", "(ut)", 100000, 0), INVALID_ARGS)


def test_dump():
    answer, fds = connection.call_with_unix_fd_list_sync(
        h.NAME, h.PATH, h.INTERFACE, "Dump", None, None, 0, 5000, None, None)
    with os.fdopen(fds.get(answer.unpack()[0]), "rb") as f:
        rows = [json.loads(line) for line in f]
    kinds = {}
    for row in rows:
        kinds.setdefault(row["type"], []).append(row)
    h.equal(kinds["status"][0]["state"], "running")
    h.equal({c["name"]: c["value"] for c in kinds["counter"]}["SamplesTotal"], 1000)
    h.equal([p["pid"] for p in kinds["process"]], [1002, 1001, 1000])
    h.equal(kinds["process"][1]["comm"], "ev\\x1b[2Jil\\x0a\\xff", "escaped as elsewhere")
    h.true("observed" not in kinds["process"][0], "what is no number is left out")
    h.equal(kinds["node"][1]["accesses"], [5, 15])
    h.equal((kinds["job"][0]["job"], kinds["finding"][1]["id"], kinds["failure"][0]["value"]),
            (8, "btf", 100))
    h.equal(kinds["failure"][0]["bytes"], 409600)


def test_diagnose():
    h.equal(h.call(connection, "Diagnose")[0], [
        ("nodes", "good", "2 nodes with memory", "", ""),
        ("btf", "missing", "type\\x09information is missing", "no source", "another kernel")])


def test_reload():
    h.equal(h.error_of(connection, "Reload"), "org.numabalancer1.Error.ConfigInvalid")
    try:
        h.call(connection, "Reload")
        h.call(connection, "Reload")
    except GLib.Error as e:
        h.true('/etc/numabalancer.conf:3: unknown setting "m\\x09ode"' in e.message, e.message)
    h.equal(h.error_of(connection, "Reload"), None)


def test_cancel():
    h.equal(h.error_of(connection, "CancelJob", "(t)", 0), INVALID_ARGS)
    h.equal(h.error_of(connection, "CancelJob", "(t)", 9), "org.numabalancer1.Error.NoSuchJob")
    h.equal(h.error_of(connection, "CancelJob", "(t)", 8), None)


def test_record_arguments():
    for seconds in (0, 86401):
        with open("/dev/null", "wb") as f:
            fds = Gio.UnixFDList.new_from_array([os.dup(f.fileno())])
        try:
            connection.call_with_unix_fd_list_sync(
                h.NAME, h.PATH, h.INTERFACE, "Record", GLib.Variant("(hu)", (0, seconds)), None, 0,
                5000, fds, None)
        except GLib.Error as e:
            h.equal(Gio.DBusError.get_remote_error(e), INVALID_ARGS, str(seconds))
        else:
            raise AssertionError(f"{seconds} seconds were accepted")


def test_migrate():
    def error(*values):
        return (h.error_of(connection, "Migrate", "(utiit)", *values) or "").rpartition(".")[2]

    for values, name in (((0, 0, -1, 0, 0), "InvalidArgs"), ((1000, 0, -1, 0, 2), "InvalidArgs"),
                         ((1000, 0, -2, 0, 0), "InvalidNode"), ((1000, 0, 4, 4, 0), "InvalidNode"),
                         ((1000, 0, -1, 5, 0), "InvalidNode"), ((1, 0, -1, 0, 0), "NoSuchProcess"),
                         ((1000, 7, -1, 0, 0), "NoSuchProcess"),
                         ((1000, 0, -1, 4, 0), "NotAllowed"), ((1000, 0, 0, -1, 0), "Busy")):
        h.equal(error(*values), name, str(values))
    signals = Signals()
    h.equal(h.call(connection, "Migrate", "(utiit)", 1000, 1, 4, 0, 1), (9,))
    h.equal(signals.wait(1)[0][1][:2], (9, 1000))
    h.call(connection, "Pause", "(t)", 0)
    h.equal(error(1000, 0, -1, 0, 0), "Paused")
    h.call(connection, "Resume")


class Signals:
    """Signals of the service since this object was made."""

    def __init__(self):
        self.seen = []
        self.subscription = connection.signal_subscribe(h.NAME, None, None, h.PATH, None, 0,
                                                        lambda *a: self.seen.append(
                                                            (a[4], a[5].unpack())))
        h.owned(connection)  # the subscription has reached the bus

    def wait(self, n):
        h.pump(lambda: len(self.seen) >= n, 5)
        connection.signal_unsubscribe(self.subscription)
        return self.seen


def test_pause_and_resume():
    def changed(seen):
        return {k: v for name, body in seen if name == "PropertiesChanged"
                for k, v in body[1].items()}

    signals = Signals()
    h.call(connection, "Pause", "(t)", 60000000)
    h.equal(changed(signals.wait(1)), {"State": "paused", "StateReason": "paused",
                                       "PausedUntilUSec": 1700000060000000}, "pause")
    signals = Signals()
    h.call(connection, "Pause", "(t)", 0)
    h.equal(changed(signals.wait(1)), {"PausedUntilUSec": 2**64 - 1}, "pause without end")
    signals = Signals()
    h.call(connection, "Resume")
    h.equal(changed(signals.wait(1)), {"State": "running", "StateReason": "running",
                                       "PausedUntilUSec": 0}, "resume")
    h.equal(h.error_of(connection, "Pause", "(t)", 2**63), INVALID_ARGS, "too long")
    h.equal(h.error_of(connection, "Pause", "(s)", "1h"), INVALID_ARGS, "wrong type")
    h.equal(h.error_of(connection, "Resume", "(t)", 0), INVALID_ARGS, "an argument too many")


def test_signals():
    signals = Signals()
    service.poke()
    seen = dict(signals.wait(2))
    h.equal(seen["JobFinished"], (7, 1000, "ev\\x09il", 4, 0, 409600, 28, "partly", "partly"))
    h.equal(seen["PropertiesChanged"], (h.INTERFACE, {"Source": "hint"}, []))


def test_migrations():
    h.equal(h.error_of(connection, "ListMigrations", "(u)", 1025), INVALID_ARGS)
    job = next(j for j in h.call(connection, "ListMigrations", "(u)", 1024)[0] if j["job"] == 7)
    h.true(job["end_usec"] > 1700000000000000, "end")
    h.equal((job["job"], job["comm"], job["reason"], job["duration_usec"], job["remote_after"]),
            (7, "ev\\x09il", "partly", 1500000, 0.25))
    service.poke()
    jobs = [j["job"] for j in h.call(connection, "ListMigrations", "(u)", 0)[0]]
    h.equal(jobs.count(7), 1, "a job is listed once")


def members(interface):
    """What an interface offers, in a form that can be compared."""
    result = {}
    for m in interface:
        if m.tag == "annotation":
            continue
        arguments = [(a.get("name"), a.get("type"), a.get("direction", "out"))
                     for a in m.findall("arg")]
        notes = {a.get("name"): a.get("value") for a in m.findall("annotation")
                 if not a.get("name").startswith("org.freedesktop.systemd1")}
        result[m.tag, m.get("name")] = (m.get("type"), m.get("access"), arguments, notes)
    return result


def test_introspection_is_what_is_shipped():
    live = ET.fromstring(h.call(connection, "Introspect",
                                interface="org.freedesktop.DBus.Introspectable")[0])
    shipped = ET.parse(os.path.join(h.TOP, "conf/org.numabalancer1.Manager.xml")).getroot()
    pick = f"interface[@name='{h.INTERFACE}']"
    a, b = members(live.find(pick)), members(shipped.find(pick))
    h.equal(sorted(a), sorted(b), "members")
    for name in a:
        h.equal(a[name], b[name], str(name))


def test_log_control():
    def get(name):
        return h.call(connection, "Get", "(ss)", "org.freedesktop.LogControl1", name,
                      interface=h.PROPERTIES, path="/org/freedesktop/LogControl1")[0]

    def put(name, value):
        return h.error_of(connection, "Set", "(ssv)", "org.freedesktop.LogControl1", name,
                          GLib.Variant("s", value), interface=h.PROPERTIES,
                          path="/org/freedesktop/LogControl1")

    h.equal(get("SyslogIdentifier"), "numabalancerd")
    if os.geteuid() != 0:
        raise h.Skip("root, to change the log level")
    h.equal(put("LogLevel", "debug"), None)
    h.equal(get("LogLevel"), "debug")
    h.equal(put("LogLevel", "loud"), INVALID_ARGS)
    h.equal(put("LogTarget", "console"), None)
    h.equal(get("LogTarget"), "console")
    h.equal(put("LogTarget", "printer"), INVALID_ARGS)


def test_other_clients():
    r = bus.run("busctl", f"--address={bus.address}", "call", h.NAME, h.PATH, h.INTERFACE,
                "GetProcess", "u", "1000")
    h.true(r.returncode == 0 and '"comm" s "worker-0"' in r.stdout, r.stdout + r.stderr)
    r = bus.run("gdbus", "call", "--address", bus.address, "--dest", h.NAME, "--object-path",
                h.PATH, "--method", f"{h.INTERFACE}.Explain", "1000")
    h.true(r.returncode == 0 and r.stdout.startswith("('move', 'worker-0[1000] is being moved"),
           r.stdout + r.stderr)


def test_catalog():
    """journald accepts the catalog; its ids are those of the records, each exactly once."""
    root = os.path.join(bus.dir, "root")
    for d in ("usr/lib/systemd/catalog", "var/lib/systemd/catalog"):
        os.makedirs(os.path.join(root, d))
    source = os.path.join(h.TOP, "conf/numabalancerd.catalog")
    with open(source, encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(root, "usr/lib/systemd/catalog/n.catalog"), "w", encoding="utf-8") as f:
        f.write(text)
    r = subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], capture_output=True,
                       text=True, check=False)
    h.equal((r.returncode, r.stderr), (0, ""), "update-catalog")
    r = subprocess.run(["journalctl", f"--root={root}", "--list-catalog"], capture_output=True,
                       text=True, check=True)
    with open(os.path.join(h.TOP, "daemon/report/messages.h"), encoding="utf-8") as f:
        ids = re.findall(r'"([0-9a-f]{32})"', f.read())
    h.equal(sorted(line.split()[0] for line in r.stdout.splitlines()), sorted(ids), "ids")
    for entry in re.split(r"^-- ", text, flags=re.M)[1:]:
        message_id, *lines = entry.splitlines()
        h.true(lines[0].startswith("Subject: "), message_id)
        h.equal(lines[1], "Defined-By: numabalancerd", message_id)
        h.true(len("\n".join(lines).split("\n\n")) >= 3, f"{message_id}: what, why, what to do")


def test_service_ends_well():
    h.equal(service.stop(), 0, "exit status")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    if service.alive():
        service.stop()
    bus.stop()
