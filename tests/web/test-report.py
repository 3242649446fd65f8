#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of `numabalancerctl report` in headless Chromium: complete in itself, the numbers those of
--json, nothing runs in it. The picture is kept as report.png in the build directory.

test-report.py [PAGE DATA PICTURE]: a page and its --json, written by a real daemon with one call right
after the other, instead of those of a made-up one."""
import html.parser
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import relay as r
import harness as h

GIVEN = [os.path.abspath(path) for path in sys.argv[1:4]]
CTL = os.environ.get("NUMABALANCERCTL")
CHROMIUM = shutil.which("chromium")
OUT = os.environ.get("WEB_OUT") or tempfile.mkdtemp()
PAGE, DATA, PICTURE = (os.path.join(OUT, f"report.{end}") for end in ("html", "json", "png"))
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
if GIVEN:
    PAGE, DATA, PICTURE = GIVEN
else:
    inner, outer = h.Bus(), h.Bus()
    inner.start()
    outer.start()
    service = h.Service(inner)
relay = None
dom = None
data = {}


def browse(*arguments):
    """What Chromium says about the page; it finds no network."""
    profile = tempfile.mkdtemp(prefix="numabalancer-web-")
    try:
        return subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
             "--enable-logging=stderr", f"--user-data-dir={profile}", *arguments, f"file://{PAGE}"],
            capture_output=True, text=True, timeout=25, check=False, env={**os.environ, "HOME": profile})
    finally:
        shutil.rmtree(profile, True)


class Page(html.parser.HTMLParser):
    """The tables (rows of texts), the drawings (elements with attributes), all text."""

    def __init__(self):
        super().__init__()
        self.tables, self.drawn, self.tags, self.attributes, self.text = [], {}, [], [], ""
        self.drawing = self.cell = None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        attrs = dict(attrs)
        if tag == "svg":
            self.drawing = self.drawn[attrs["id"]] = []
        elif self.drawing is not None:
            self.drawing.append([tag, attrs, ""])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell = self.tables[-1][-1]
            self.cell.append("")

    def handle_endtag(self, tag):
        if tag == "svg":
            self.drawing = None
        elif tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        self.text += data
        if self.drawing:
            self.drawing[-1][2] += data
        elif self.cell is not None:
            self.cell[-1] += data

    def table(self, title):
        """The rows below the table's head as dictionaries."""
        rows = next(t for t in self.tables if title in t[0])
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]

    def elements(self, drawing, tag, kind=None):
        return [e for e in self.drawn[drawing] if e[0] == tag and (kind is None or e[1].get("class") == kind)]


def bytes_of(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def same_bytes(text, value, what):
    h.true(abs(bytes_of(text) - value) <= 0.06 * UNITS[text.split()[1]], f"{what}: {text} for {value}")


def same_share(text, value, what):
    h.true(text.endswith(" %"), text)
    # "<0.1 %": more than nothing, but it would round to that.
    h.true(abs(float(text.split()[0].removeprefix("<")) / 100 - value) <= 0.0051, f"{what}: {text} for {value}")


def shown_node(number):
    return "-" if number < 0 else str(number)


def test_the_browser_is_there():
    if not CHROMIUM:
        raise h.Skip("chromium")


def test_the_page_is_written():
    if GIVEN:
        with open(DATA, encoding="utf-8") as f:
            data.update(json.load(f))
        h.true(data["history"] and data["nodes"] and data["migrations"], "there is something to compare")
    else:
        write_page()


def write_page():
    global relay
    source = h.wait_owned(inner)
    service.poke()
    h.true(h.wait_for(lambda: h.call(source, "ListMigrations", "(u)", 1)[0]), "a move has ended")
    relay = r.Relay(source, outer)
    for arguments in (("report", PAGE), ("report", DATA, "--json")):
        result = outer.run(CTL, *arguments)
        h.equal((result.returncode, result.stdout, result.stderr), (0, "", ""), str(arguments))
    with open(DATA, encoding="utf-8") as f:
        data.update(json.load(f))
    h.equal((len(data["history"]), len(data["processes"])), (r.ROWS, 3))


def test_nothing_comes_from_elsewhere():
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    for foreign in ("http:", "https:", "//", "@import", "url(", "<script", "<link", "<iframe", "<base"):
        h.true(foreign not in text.replace("&lt;", "(").replace("</", "<"), foreign)


def test_the_browser_shows_it():
    global dom
    if not CHROMIUM:
        raise h.Skip("chromium")
    result = browse("--dump-dom")
    h.equal(result.returncode, 0, result.stderr)
    h.true("CONSOLE" not in result.stderr, result.stderr)
    dom = Page()
    dom.feed(result.stdout)
    h.true(not {"script", "img", "link", "iframe", "object", "embed"} & set(dom.tags), "no active content")
    for tag, name, value in dom.attributes:
        h.true(name not in ("src", "href", "xlink:href", "action") and not name.startswith("on"),
               f"{tag} {name}={value}")
    h.true("<title>NUMA balancing</title>" in result.stdout, "no script has changed the title")


def need_dom():
    if not dom:
        raise h.Skip("chromium")


def test_the_share_over_time_is_the_data():
    need_dom()
    tips = [e[2] for e in dom.elements("history", "title")]
    h.equal([[int(n) for n in re.findall(r"(\d+) of (\d+) accesses remote, (\d+) bytes", tip)[0]] for tip in tips],
            [[row["remote"], row["accesses"], row["bytes_moved"]] for row in data["history"]])
    lines = [re.findall(r"[ML]([\d.]+),([\d.]+)", e[1]["d"]) for e in dom.elements("history", "path", "share")]
    h.equal([len(points) for points in lines], [
        len(list(rows)) for some, rows in itertools.groupby(data["history"], lambda row: row["accesses"] > 0)
        if some], "a gap where nothing was measured")
    h.true(GIVEN or len(lines) == 2, "there was a gap")
    seen = [row for row in data["history"] if row["accesses"]]
    first = data["history"][0]["end_usec"] - data["history"][0]["interval_usec"]
    length = data["history"][-1]["end_usec"] - first
    for (x, y), row in zip((p for points in lines for p in points), seen, strict=True):
        h.true(abs(float(x) - (66 + 884 * (row["end_usec"] - first) / length)) < 0.1, f"x {x}")
        h.true(abs(float(y) - (170 - 160 * row["remote"] / row["accesses"])) < 0.1, f"y {y} of {row}")


def test_the_bars_are_the_data():
    need_dom()
    moved = [row["bytes_moved"] for row in data["history"] if row["bytes_moved"]]
    heights = [float(e[1]["height"]) for e in dom.elements("history", "rect", "moved")]
    h.equal(len(heights), len(moved))
    for height, value in zip(heights, moved):
        h.true(abs(height - 50 * value / max(moved)) < 0.1, f"{height} for {value}")
    scale = re.findall(r"at most (\S+ \S+) in ten seconds", dom.text)
    if moved:
        same_bytes(scale[0], max(moved), "scale")


def test_the_heat_map_is_the_data():
    need_dom()
    total = sum(sum(node["accesses"]) for node in data["nodes"])
    wanted = [(a["node"], b["node"], a["accesses"][k] / total) for a in data["nodes"] for k, b in enumerate(data["nodes"])]
    cells = dom.elements("matrix", "rect")
    tips = dom.elements("matrix", "title")
    h.equal((len(cells), len(tips)), (len(wanted), len(wanted)))
    strongest = max(share for *_, share in wanted)
    for cell, tip, (a, b, share) in zip(cells, tips, wanted):
        h.true(tip[2].startswith(f"CPUs of node{a}, memory of node{b}: "), tip[2])
        same_share(tip[2].strip().split(": ")[1].removesuffix(" of all accesses"), share, tip[2])
        h.equal(cell[1]["class"], "local" if a == b else "remote")
        h.true(abs(float(cell[1]["fill-opacity"]) - 0.06 - 0.94 * share / strongest) < 0.01, tip[2])


def test_the_tables_are_the_data():
    need_dom()
    for row, node in zip(dom.table("Node"), data["nodes"], strict=True):
        h.equal((row["Node"], row["CPUs"]), (f"node{node['node']}", str(node["cpus"])))
        same_bytes(row["Memory"], node["memory_bytes"], "memory")
        same_bytes(row["Available"], node["available_bytes"], "available")
    for row, move in zip(dom.table("Moved"), data["migrations"], strict=True):
        h.equal((row["Process"], row["From"], row["To"], row["Failed"], row["Result"]),
                (f"{move['comm']}[{move['pid']}]", move["from_nodes"], shown_node(move["to_node"]),
                 str(move["pages_failed"]), move["reason"]))
        same_bytes(row["Moved"], move["bytes_moved"], "moved")
        for column, key in (("Before", "remote_before"), ("After", "remote_after")):
            if key in move:
                same_share(row[column], move[key], key)
            else:
                h.equal(row[column], "-", key)
    for row, process in zip(dom.table("PID"), data["processes"], strict=True):
        h.equal((row["PID"], row["Name"], row["Unit"], row["Home"], row["State"]),
                (str(process["pid"]), process["comm"], process["unit"], shown_node(process["home_node"]),
                 process["state"]))
        same_share(row["Loss"], process["score"], "loss")
        same_share(row["Remote"], process["remote_share"], "remote share")
    h.true(f"{data['status']['MigrationsFinished']} moves finished" in dom.text, "counter")


def test_hostile_names_are_text():
    need_dom()
    if GIVEN:
        return  # the names of the processes that ran there
    rows = dom.table("PID")
    h.equal((rows[1]["Name"], rows[2]["Unit"]), ("ev\\x1b[2Jil\\x0a\\xff", r.HOSTILE))


def test_the_picture_is_kept():
    if not CHROMIUM:
        raise h.Skip("chromium")
    if os.path.exists(PICTURE):
        os.unlink(PICTURE)
    result = browse(f"--screenshot={PICTURE}", "--window-size=1100,1300", "--hide-scrollbars")
    h.equal(result.returncode, 0, result.stderr)
    with open(PICTURE, "rb") as f:
        h.equal(f.read(8), b"\x89PNG\r\n\x1a\n")
    h.true(os.path.getsize(PICTURE) > 20000, "there is something on it")


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    if relay:
        relay.stop()
    if not GIVEN:
        service.stop()
        outer.stop()
        inner.stop()
