#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""numabalancerctl against the fake service: output, JSON, exit codes."""
import html.parser
import json
import os
import pty
import re
import subprocess

import harness as h

bus = h.Bus()
bus.start()
CTL = os.environ["NUMABALANCERCTL"]
service = None


def ctl(*arguments, before=()):
    return bus.run(*before, CTL, *arguments)


def expect(result, code, out=None, err=None):
    h.equal(result.returncode, code, f"exit code; {result.stdout}{result.stderr}")
    for text, part in ((result.stdout, out), (result.stderr, err)):
        h.true(part in text if part else text == "", f"{part!r} in {text!r}")


def test_daemon_not_running():
    for verb in (["status"], ["processes"], ["why", "1"], ["pause"], ["resume"], ["show", "1"],
                 ["nodes"], ["jobs"], ["history"], ["cancel", "1"], ["reload"], ["top"],
                 ["migrate", "1"], ["record", "/nonexistent/x"], ["advise", "1"], ["report", "/nonexistent/x"]):
        expect(ctl(*verb), 3, None, "numabalancerd is not running.\n")


def test_no_bus():
    r = subprocess.run([CTL, "status"], capture_output=True, text=True, check=False,
                       env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})
    expect(r, 1, None, "The system bus cannot be reached")


def test_metrics_of_a_daemon_that_is_not_there():
    expect(ctl("metrics"), 0, "\nnumabalancer_up 0\n")
    expect(ctl("doctor"), 3, None, "numabalancerd --doctor")
    r = ctl("metrics", "--openmetrics")
    h.true(r.stdout.endswith("numabalancer_up 0\n# EOF\n"), r.stdout)


def test_usage():
    for arguments in (["nonsense"], ["why"], ["why", "0"], ["why", "x"], ["pause", "5"],
                      ["pause", "0"], ["pause", "10min", "more"], ["history", "x"], ["cancel", "0"], ["cancel"],
                      ["show", "-1"], ["--interval", "5", "top"],
                      ["--interval=1ms", "top"], ["--count=0", "top"],
                      ["advise", "x"], ["advise", "1:"], ["advise", "-1"], ["advise", "1:2:3"],
                      ["record", "x", "1ms"], ["record"],
                      ["migrate", "0"], ["migrate", "1", "--to", "x"], ["--max", "0", "processes"]):
        r = ctl(*arguments)
        h.equal((r.returncode, r.stdout), (2, ""), str(arguments))
        h.true(r.stderr, str(arguments))


def test_help_names_only_verbs_that_work():
    r = ctl("--help")
    expect(r, 0, "numabalancerctl [OPTIONS] COMMAND")
    expect(ctl("--version"), 0, "numabalancerctl ")


def documented():
    """Commands and long options of --help."""
    text = ctl("--help").stdout
    verbs = re.findall(r"^  ([a-z]+)", text.partition("Commands:")[2].partition("Options:")[0], re.M)
    return set(verbs), set(re.findall(r"(--[a-z-]+)", text.partition("Options:")[2]))


def complete(*words):
    """What bash would offer for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _numabalancerctl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    r = bus.run("bash", "-c", script, "bash", os.path.join(h.TOP, "conf/numabalancerctl.bash"),
                "numabalancerctl", *words)
    h.equal(r.returncode, 0, r.stderr)
    return set(r.stdout.split())


def test_completions_offer_what_there_is():
    verbs, options = documented()
    h.true("status" in verbs and "--json" in options, "the help was understood")
    h.equal(complete(""), verbs, "commands")
    h.equal(complete("--"), options, "options")
    h.equal(complete("--json", "res"), {"resume"})
    h.equal(complete("--order", ""), {"score", "remote", "pid"})
    h.equal(complete("status", ""), set(), "no arguments")
    with open(os.path.join(h.TOP, "conf/_numabalancerctl"), encoding="utf-8") as f:
        text = f.read()
    h.equal(set(re.findall(r"^ +'([a-z]+):", text, re.M)), verbs, "commands for zsh")
    h.equal(set(re.findall(r"(--[a-z-]+)[][}]", text)), options, "options for zsh")
    with open(os.path.join(h.TOP, "conf/numabalancerctl.fish"), encoding="utf-8") as f:
        text = f.read()
    h.equal(set(re.findall(r"__fish_use_subcommand -a ([a-z]+) -d '", text)), verbs, "commands for fish")
    h.equal({f"--{name}" for name in re.findall(r" -l ([a-z-]+) ", text)}, options, "options for fish")


def test_man_page_has_all_commands_and_options():
    verbs, options = documented()
    with open(os.path.join(h.TOP, "docs/numabalancerctl.1.rst"), encoding="utf-8") as f:
        text = f.read()
    for name in verbs | options:
        h.true(re.search(rf"^(``.*, )?``{name}``", text, re.M), name)


def test_start_service():
    global service
    service = h.Service(bus)
    h.wait_owned(bus)


def test_status():
    r = ctl("status")
    expect(r, 0, "State: running (the daemon watches and acts)")
    h.equal(ctl().stdout.splitlines()[:5], r.stdout.splitlines()[:5], "status is the default")
    status = json.loads(ctl("status", "--json").stdout)
    h.equal((status["State"], status["NodeCount"]), ("running", 2))
    h.equal(status["Stats"]["SamplesTotal"], status["SamplesTotal"])
    h.equal(status["Stats"]["FailuresByErrno"]["EBUSY"], 100)


def test_processes():
    r = ctl("processes")
    expect(r, 0, "PID NAME")
    lines = r.stdout.splitlines()
    h.equal(len(lines), 4)
    h.true(lines[2].startswith("1001 ev\\x1b[2Jil\\x0a\\xff "), lines[2])
    h.true("\033" not in r.stdout, "no escape sequences")
    rows = json.loads(ctl("processes", "--json", "--max=2", "--order", "pid").stdout)
    h.equal(len(rows), 2)
    h.equal(rows[0]["pid"], 1001, "the order is passed on")


def test_why():
    expect(ctl("why", "1000"), 0, "move\nworker-0[1000] is being moved")
    answer = json.loads(ctl("why", "1001", "--json").stdout)
    h.equal((answer["reason"], answer["numbers"]["threshold"]), ("low-remote", 0.3))
    expect(ctl("why", "7"), 1, None, "There is no process 7")


def test_show():
    r = ctl("show", "1000")
    expect(r, 0, "Memory: 512.0 MiB resident, about 12.0 MiB on node0, about 500.0 MiB on node4")
    h.true("\nnode0   1 %  97 %\n" in r.stdout, r.stdout)
    expect(ctl("show", "1001"), 0, "State: watched: it makes fewer remote accesses")
    h.equal(json.loads(ctl("show", "1000", "--json").stdout)["threads"], 4)


def test_nodes():
    r = ctl("nodes")
    expect(r, 0, "   4    2  0.5 4.0 GiB   1.0 GiB       -")
    h.true("\nnode0  10 %  70 %\n" in r.stdout, r.stdout)
    h.equal(json.loads(ctl("nodes", "--json").stdout)[1]["distances"], [21, 10])


def test_jobs():
    service.poke()
    h.wait_for(lambda: "partly" in ctl("jobs").stdout, 5)
    lines = ctl("jobs").stdout.splitlines()
    h.equal(len(lines), 3)
    h.true(lines[1].startswith("  8 1000 worker-0    4  0 waiting 390.6 MiB"), lines[1])
    h.true("ev\\x09il" in lines[2] and "partly" in lines[2] and "1.5 s" in lines[2], lines[2])
    both = json.loads(ctl("jobs", "--json").stdout)
    h.equal((both["jobs"][0]["job"], both["migrations"][0]["remote_after"]), (8, 0.25))


def test_history():
    expect(ctl("history"), 0, "TIME REMOTE ACCESSES")
    h.equal(json.loads(ctl("history", "1h", "--json").stdout), [])


def test_advise():
    expect(ctl("advise", "1:2048"), 0, "0\n")
    expect(ctl("advise", "3"), 0, "0,4\n")
    h.equal(json.loads(ctl("advise", "3:1", "--json").stdout), [0, 4])


def test_doctor():
    expect(ctl("doctor"), 1, """good     2 nodes with memory
missing  type\\x09information is missing
         effect: no source
         help:   another kernel
The daemon cannot act: 1 missing.
""")
    r = ctl("doctor", "--json")
    h.equal((r.returncode, json.loads(r.stdout)[0][0]), (1, "nodes"), "the status is the same")


def test_reload_and_cancel():
    if os.geteuid() != 0:
        raise h.Skip("root, to change the daemon")
    expect(ctl("reload"), 1, None, "/etc/numabalancer.conf:3: unknown setting")
    expect(ctl("status"), 0, "Reload error: /etc/numabalancer.conf:3")
    expect(ctl("reload"), 0)
    expect(ctl("cancel", "9"), 1, None, "There is no unfinished job 9")
    expect(ctl("cancel", "8"), 0)


def test_record():
    if os.geteuid() != 0:
        raise h.Skip("root, to change the daemon")
    target = os.path.join(bus.dir, "recording")
    expect(ctl("record", target, "2min"), 0)
    with open(target, encoding="utf-8") as f:
        h.equal(f.read(), "recording for 120 s\n")
    expect(ctl("record", target), 1, None, "A recording is under way")
    h.true(os.path.getsize(target) > 0, "a refusal does not empty the file")
    expect(ctl("record", "/nonexistent/x"), 1, None, "cannot be written")


def test_migrate():
    if os.geteuid() != 0:
        raise h.Skip("root, to change the daemon")
    expect(ctl("migrate", "1000", "--to", "0"), 0, "worker-0[1000] was moved: 1.0 MiB to node0 in")
    expect(ctl("migrate", "1000", "--from=4", "--override-rules"), 5, "was moved in part")
    expect(ctl("migrate", "1000", "--no-wait"), 0, "job 9\n")
    h.equal(json.loads(ctl("migrate", "1000", "--json").stdout)["pages_moved"], 256)
    expect(ctl("migrate", "1000", "--to=4"), 5, None, "explicit memory policy")
    expect(ctl("migrate", "7"), 1, None, "There is no process 7")
    expect(ctl("migrate", "1000", "--to=7"), 1, None, "Migrate: ")
    ctl("pause")
    expect(ctl("migrate", "1000"), 5, None, "The daemon is paused")
    ctl("resume")


def test_pause_and_resume():
    if os.geteuid() != 0:
        raise h.Skip("root, to change the daemon")
    expect(ctl("pause", "10min"), 0)
    h.equal(json.loads(ctl("status", "--json").stdout)["PausedUntilUSec"], 1700000600000000)
    expect(ctl("pause"), 0)
    expect(ctl("status"), 0, "Paused until: resumed")
    expect(ctl("resume"), 0)
    h.equal(json.loads(ctl("resume", "--json").stdout)["State"], "running")


def test_not_permitted():
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    copy = os.path.join(bus.dir, "numabalancerctl")  # the build directory may be closed to others
    subprocess.run(["cp", CTL, copy], check=True)
    expect(bus.run(*nobody, copy, "pause"), 4, None, "Only root, or whom polkit")
    expect(bus.run(*nobody, copy, "--no-ask-password", "pause"), 4, None, "Only root, or whom polkit")
    expect(bus.run(*nobody, copy, "status"), 0, "State: running")


def test_full_disk():
    with open("/dev/full", "w", encoding="utf-8") as full:
        r = subprocess.run([CTL, "status"], env=bus.environment(), stdout=full,
                           stderr=subprocess.PIPE, text=True, check=False)
    h.equal(r.returncode, 1)
    h.true("No space left" in r.stderr, r.stderr)


def on_terminal(*arguments, keys=b"", during=lambda: None, code=0, **extra):
    """The output of a command on a terminal on which keys are typed."""
    master, slave = pty.openpty()
    with subprocess.Popen([CTL, *arguments], stdin=slave, stdout=slave, stderr=slave,
                          env={**bus.environment(), "TERM": "xterm", **extra}) as process:
        os.close(slave)
        os.write(master, keys)
        during()
        text = b""
        try:
            while chunk := os.read(master, 4096):
                text += chunk
        except OSError:  # the end of a terminal
            pass
    os.close(master)
    h.equal(process.returncode, code, text.decode(errors="replace"))
    return text


def test_colours_only_where_wanted():
    h.true(b"\033[1;32mrunning" in on_terminal("status"), "colour on a terminal")
    h.true(b"\033" not in on_terminal("status", NO_COLOR="1"), "NO_COLOR")
    h.true(b"\033" not in on_terminal("status", TERM="dumb"), "a dumb terminal")


SAMPLE = re.compile(r'^(numabalancer_[a-z_]+)(?:\{([a-z_]+="(?:[^"\\\\\n]|\\\\["\\\\n])*",?)+\})? -?[0-9.e+]+$')


def check_exposition(text):
    """The rules of the text format that a scraper insists on."""
    family, seen = None, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            h.true(family not in seen, f"{family} comes twice")
            seen.add(family)
        elif line.startswith("# TYPE "):
            h.equal(line.split()[2], family, "type and help belong together")
            h.true((line.split()[3] == "counter") == family.endswith("_total"), line)
        else:
            match = SAMPLE.match(line)
            h.true(match, line)
            h.equal(match[1], family, line)
            h.true(line not in seen, f"{line} comes twice")
            seen.add(line)
    return seen


def test_metrics():
    r = ctl("metrics")
    h.equal((r.returncode, r.stderr), (0, ""))
    seen = check_exposition(r.stdout)
    for line in ("numabalancer_up 1", "numabalancer_samples_total 1000",
                 'numabalancer_failures_total{errno="EBUSY"} 100',
                 'numabalancer_failed_bytes_total{errno="EBUSY"} 409600',
                 'numabalancer_kernel_migrated_pages_total{reason="numa_misplaced"} 205',
                 'numabalancer_kernel_failed_pages_total{reason="compaction"} 300',
                 'numabalancer_kernel_migrated_huge_pages_total{reason="syscall"} 403',
                 'numabalancer_access_ratio{from="0",to="4"} 0.7',
                 'numabalancer_unit_processes{unit="worker@1.service"} 3'):
        h.true(line in seen, line)
    h.true(ctl("metrics", "--openmetrics").stdout.endswith("\n# EOF\n"), "EOF")
    rows = json.loads(ctl("metrics", "--json").stdout)
    h.equal(rows[0], {"name": "numabalancer_up", "labels": {}, "value": 1.0})


def test_metrics_satisfy_prometheus():
    h.true(h.promtool("# HELP a b\n# TYPE a counter\na 1\n"), "a bad name is noticed")
    h.equal(h.promtool(ctl("metrics").stdout), "")


def test_metrics_and_manual_agree():
    with open(os.path.join(h.TOP, "docs/numabalancerctl.1.rst"), encoding="utf-8") as f:
        section = f.read().partition("METRICS\n=======")[2].partition("EXIT STATUS")[0]
    told = set(re.findall(r"^# TYPE (\S+)", ctl("metrics").stdout, re.M))
    h.equal(set(re.findall(r"``(numabalancer_[a-z_]+[a-z])``", section)), told)


def test_metrics_file():
    target = os.path.join(bus.dir, "n.prom")
    with open(target, "w", encoding="utf-8") as f:
        f.write("old")
    expect(ctl("metrics", "--output", target), 0)
    with open(target, encoding="utf-8") as f:
        h.true("numabalancer_up 1" in f.read(), "replaced")
    h.equal(os.stat(target).st_mode & 0o777, 0o644, "mode")
    h.equal([n for n in os.listdir(bus.dir) if n.startswith("n.prom")], ["n.prom"], "left behind")
    expect(ctl("metrics", "--output", "/nonexistent/x.prom"), 1, None, "cannot be written")


class Page(html.parser.HTMLParser):
    """Tags that are open, all text, and what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.fetched = [], "", []

    def handle_starttag(self, tag, attrs):
        self.fetched += [v for k, v in attrs if k in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.fetched += [v for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag):
        h.equal(self.open.pop(), tag, "tags are nested")

    def handle_data(self, data):
        self.text += data


def test_report():
    target = os.path.join(bus.dir, "report.html")
    expect(ctl("report", target), 0)
    page = Page()
    with open(target, encoding="utf-8") as f:
        page.feed(f.read())
    h.equal((page.open, page.fetched), ([], []), "well-formed and self-contained")
    for text in ("the daemon watches and acts", "ev\\x1b[2Jil", "70 %", "worker-0[1000]"):
        h.true(text in page.text, text)
    expect(ctl("report", target, "--json"), 0)
    with open(target, encoding="utf-8") as f:
        h.equal(json.load(f)["nodes"][0]["cpus"], 4)
    expect(ctl("report", "/nonexistent/x.html"), 1, None, "cannot be written")


def test_top_as_text():
    r = ctl("top", "--count", "2", "--interval", "100ms")
    expect(r, 0, "[###############.....] 76 %  worker-0[1000] node4 to node0, waiting, 100000 of 131072")
    h.equal(r.stdout.count("numabalancerd "), 2, "pictures")
    h.true("Since the start" in r.stdout and "Since the last picture" in r.stdout, r.stdout)
    h.true("\033" not in r.stdout, "no escape sequences")
    dumb = on_terminal("top", "--count=1", TERM="dumb")
    h.true(b"\033" not in dumb and b"PID NAME" in dumb, dumb)
    h.equal(max(len(line) for line in dumb.splitlines()), 80, "lines are cut at the width of the terminal")
    h.true(max(len(line) for line in r.stdout.splitlines()) > 80, "but not in a file")
    lines = ctl("top", "--json", "--count=2", "--interval=100ms").stdout.splitlines()
    h.equal([json.loads(line)["nodes"][1]["node"] for line in lines], [4, 4])


def test_top_on_a_screen():
    text = on_terminal("top", keys=b"rpq")
    h.true(b"\033[?1049h" in text and b"\033[?1049l" in text, text)
    h.true(b"q quit" in text and b"worker-0" in text, text)
    h.true(b"\\x1b[2Jil" in text, "names are escaped")


def test_top_when_the_daemon_leaves():
    def leave():
        h.wait_for(lambda: False, 0.5)
        h.equal(service.stop(), 0)

    text = on_terminal("top", "--interval=100ms", during=leave, code=3)
    h.true(text.rstrip().endswith(b"numabalancerd is not running."), text)


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    if service:
        service.stop()
    bus.stop()
