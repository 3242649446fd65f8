#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of processes and units as an attacker chooses them: all that is shown is valid UTF-8, escaped
once, and understood by those who read it."""
import html.parser
import json
import os
import re

from gi.repository import GLib

import harness as h

bus = h.Bus()
bus.start()
service = h.Service(bus, "15", "hostile")
connection = h.wait_owned(bus)
CTL = os.environ["NUMABALANCERCTL"]

# As in fake-service.c.
NAMES = [
    (b"a b (c) [d] {e", b"my unit [1] (2).service"),
    (b"one\ntwo\r\tthree", b"first\nsecond\r.service"),
    (b"\033[31mred\033[0m", b"\033]0;title\007.service"),
    (b"\xff" * 15, b"\xff\xfe\xfd.service"),
    (b"\xc3(\xe2\x82\xed\xa0\x80", b"\xf4\x90\x80\x80\xc0\xaf.service"),
    (b"cut-in-middle\xc3", b"\xe2\x80\xaeevil\xe2\x80\xa9.service"),
    (b"back\\x0aslash", b"a\\x2db\\.service"),
    (b"\"'<b>&amp;`$", b"\"};<script>alert(1)</script>.service"),
    (b"\x7f\xc2\x9b31m\x01\x02", b"\x01.service"),
    (b"", b""),
    ("grüß,=€ #".encode(), "日本 %s%n {0}.service".encode()),
]
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
ESCAPE = re.compile(r"\\x[0-9a-f]{2}")


def hexed(data):
    return "".join(f"\\x{byte:02x}" for byte in data)


def escaped(raw):
    """What is promised: bytes that are no UTF-8 and unsafe characters as \\xNN, all else as it is."""
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(hexed(c.encode("utf-8", "surrogateescape"))
                   if UNSAFE.match(c) or "\udc80" <= c <= "\udcff" else c for c in text)


COMMS = [escaped(comm) for comm, _ in NAMES]
UNITS = [escaped(unit) for _, unit in NAMES]
ROWS = [(COMMS[i % 11], UNITS[i % 11]) for i in range(15)]
ROWS[11] = (COMMS[0], hexed(b"\xff" * 255))


def strings(value):
    """All texts in an unpacked answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from strings(k)
            yield from strings(v)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from strings(v)


def safe(text, what, allowed=""):
    """Nothing in it can make a terminal lie, and each backslash begins an escape."""
    rest = ESCAPE.sub("", text)
    bad = {c for c in UNSAFE.findall(rest) if c not in allowed}
    h.true(not bad, f"{what}: {bad} in {text!r}")


def ctl(*arguments):
    """Output as bytes, because decoding is part of the question."""
    r = bus.run(CTL, *arguments, errors="surrogateescape")
    # The doctor may tell by its exit code that something is missing.
    code = r.returncode if arguments[0] == "doctor" and r.returncode == 1 else 0
    h.equal((r.returncode, r.stderr), (code, ""), str(arguments))
    h.true(not re.search("[\udc80-\udcff]", r.stdout), f"{arguments}: no UTF-8: {r.stdout!r}")
    return r.stdout


def test_lists_on_the_bus():
    rows = h.call(connection, "ListProcesses", "(us)", 0, "score")[0]
    h.equal([(r["comm"], r["unit"]) for r in rows], ROWS, "processes")
    for i, row in enumerate(ROWS):
        p = h.call(connection, "GetProcess", "(u)", 1000 + i)[0]
        h.equal((p["comm"], p["unit"]), row, "GetProcess")
        _, text, numbers = h.call(connection, "Explain", "(u)", 1000 + i)
        h.true(text.startswith(f"{row[0] or '?'}[{1000 + i}] "), text)
        h.equal((numbers["comm"], numbers["unit"]), row, "Explain")
    jobs = h.call(connection, "ListJobs")[0][1:]
    h.equal([(j["comm"], j["unit"]) for j in jobs], list(zip(COMMS, UNITS))[1:], "jobs")


def test_properties():
    values = h.call(connection, "GetAll", "(s)", h.INTERFACE, interface=h.PROPERTIES)[0]
    h.equal(values["SourceReason"], escaped(b"\033[2J\nreason\xff\\"))
    h.equal(values["LastReloadError"], escaped(b"/etc/\xff\n\033[1m:1: wrong"))


def test_signals_and_ended_jobs():
    seen = []
    subscription = connection.signal_subscribe(
        h.NAME, h.INTERFACE, "JobFinished", None, None, 0, lambda *a: seen.append(a[5].unpack()))
    h.owned(connection)
    service.poke()
    h.pump(lambda: len(seen) > len(NAMES), 5)
    connection.signal_unsubscribe(subscription)
    h.equal([s[2] for s in seen[1:]], COMMS, "JobFinished")
    jobs = h.call(connection, "ListMigrations", "(u)", 0)[0]
    h.equal({(j["comm"], j["unit"]) for j in jobs if j["job"] >= 100}, set(zip(COMMS, UNITS)))


def test_every_text_on_the_bus():
    for method, types, values in (
            ("GetStats", None, ()), ("ListProcesses", "(us)", (0, "pid")), ("ListNodes", None, ()),
            ("ListJobs", None, ()), ("ListMigrations", "(u)", (0,)), ("GetHistory", "(t)", (0,)),
            ("Diagnose", None, ()), *(("Explain", "(u)", (1000 + i,)) for i in range(15))):
        for text in strings(h.call(connection, method, types, *values)):
            safe(text, method)
    # GLib itself drops a connection on which a text is no UTF-8.
    h.true(not connection.is_closed(), "the connection lives")


def test_dump():
    _, fds = connection.call_with_unix_fd_list_sync(
        h.NAME, h.PATH, h.INTERFACE, "Dump", None, None, 0, 5000, None, None)
    with os.fdopen(fds.get(0), "rb") as f:
        lines = f.read().decode("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    h.equal({(r["comm"], r["unit"]) for r in rows if r["type"] == "process"}, set(ROWS))
    for row in rows:
        for text in strings(row):
            safe(text, "Dump")


def test_plain_output():
    for arguments in (["status"], ["processes"], ["jobs"], ["history"], ["nodes"],
                      ["--count=1", "top"], ["doctor"]):
        safe(ctl(*arguments), str(arguments), "\n")
    for i, (comm, unit) in enumerate(ROWS):
        shown = ctl("show", str(1000 + i))
        safe(shown, "show", "\n")
        h.true(comm in shown and unit in shown, f"{comm!r} and {unit!r} in {shown!r}")
        safe(ctl("why", str(1000 + i)), "why", "\n")
    text = ctl("processes")
    h.true(len(text.splitlines()) <= len(ROWS) + 2, f"a line for each process: {text}")
    for comm, _ in ROWS:
        h.true(comm in text, f"{comm!r} in {text}")


def test_json_output():
    rows = json.loads(ctl("processes", "--json"))
    rows = rows if isinstance(rows, list) else rows["processes"]
    h.equal([(r["comm"], r["unit"]) for r in rows], ROWS, "processes")
    for arguments in (["status"], ["jobs"], ["history"], ["nodes"], ["show", "1003"],
                      ["why", "1003"], ["doctor"]):
        for text in strings(json.loads(ctl(*arguments, "--json"))):
            safe(text, str(arguments), "\n")


# Label values of the exposition format: backslash, quote and newline are escaped.
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\[\\"n])*)"')
LINE = re.compile(r"(#.*|\w+(\{(" + LABEL.pattern + r",?)*\})? [-+.\w]+)")


def test_metrics():
    for options in ([], ["--openmetrics"]):
        text = ctl("metrics", *options)
        labels = set()
        for line in text.split("\n")[:-1]:
            h.true(LINE.fullmatch(line), f"no metric: {line!r}")
            if not line.startswith("#"):
                labels |= {value for _, value in LABEL.findall(line)}
        for label in labels:
            plain = label.replace('\\"', '"').replace("\\\\", "\\")
            safe(plain, "a label")
        h.true("numabalancer_" in text, text)


def test_metrics_satisfy_prometheus():
    h.equal(h.promtool(ctl("metrics")), "")


class Page(html.parser.HTMLParser):
    """Tags and text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_page():
    path = os.path.join(bus.dir, "page.html")
    ctl("report", path)
    with open(path, "rb") as f:
        text = f.read().decode("utf-8")
    page = Page()
    page.feed(text)
    h.true("<script>alert" not in text, "a name became a script")
    h.true(not any(tag in ("script", "b") for tag, _ in page.tags), "a name became a tag")
    h.true(COMMS[2] in page.text and COMMS[7] in page.text, "the names are shown")
    safe(page.text, "the page", "\n")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    service.stop()
    bus.stop()
