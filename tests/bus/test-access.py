#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: another user reads everything and changes nothing."""
import os
import re
import threading
import xml.etree.ElementTree as ET

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
                               ("Reload",), ("CancelJob", "t", "8"),
                               ("Migrate", "utiit", "1000", "0", "--", "-1", "0", "0")):
        r = manager(method, *arguments)
        h.true(r.returncode != 0 and "Access denied" in r.stderr, f"{method}: {r.stderr}")
    state = h.call(connection, "Get", "(ss)", h.INTERFACE, "State", interface=h.PROPERTIES)[0]
    h.equal(state, "running", "nothing changed")


class Authority:
    """A polkit that answers as told, and notes what it was asked."""

    XML = """<node><interface name="org.freedesktop.PolicyKit1.Authority">
      <method name="CheckAuthorization">
        <arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/>
        <arg type="a{ss}" direction="in"/><arg type="u" direction="in"/>
        <arg type="s" direction="in"/><arg type="(bba{ss})" direction="out"/>
      </method></interface></node>"""

    def __init__(self):
        self.asked = []
        self.details = None  # of the last question
        self.answer = (False, False)
        self.rules = {}  # answers by action; others get the one above
        self.held = []
        self.hold = False
        self.connection = bus.connect()
        h.call(self.connection, "RequestName", "(su)", "org.freedesktop.PolicyKit1", 0,
               interface="org.freedesktop.DBus", path="/org/freedesktop/DBus",
               name="org.freedesktop.DBus")
        node = h.Gio.DBusNodeInfo.new_for_xml(self.XML)
        self.connection.register_object("/org/freedesktop/PolicyKit1/Authority",
                                        node.interfaces[0], self.on_call, None, None)

    def on_call(self, _c, _sender, _path, _interface, _method, arguments, invocation):
        subject, action, details, flags, _cancel = arguments.unpack()
        self.asked.append((subject[0], action, flags))
        self.details = details
        if self.hold:
            self.held.append(invocation)
        else:
            answer = self.rules.get(action, self.answer)
            invocation.return_value(h.GLib.Variant("((bba{ss}))", ((*answer, {}),)))

    def leave(self):
        self.connection.close_sync(None)


def in_background(*command):
    """Runs a command while this program goes on being the authority."""
    result = []
    thread = threading.Thread(target=lambda: result.append(as_nobody(*command)))
    thread.start()
    h.pump(lambda: not thread.is_alive(), 20)
    thread.join()
    return result[0]


def pause_as_nobody(*options):
    return in_background("busctl", f"--address={bus.address}", *options, "call", h.NAME, h.PATH,
                         h.INTERFACE, "Pause", "t", "0")


def state():
    return h.call(connection, "Get", "(ss)", h.INTERFACE, "State", interface=h.PROPERTIES)[0]


def test_polkit_decides():
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    authority = Authority()
    try:
        r = pause_as_nobody()
        h.true(r.returncode != 0 and "Access denied" in r.stderr, r.stderr)
        authority.answer = (False, True)
        r = pause_as_nobody("--allow-interactive-authorization=no")
        h.true(r.returncode != 0 and "A password would have to be asked for" in r.stderr, r.stderr)
        h.equal(state(), "running", "nothing changed")
        authority.answer = (True, False)
        r = pause_as_nobody("--allow-interactive-authorization=yes")
        h.equal((r.returncode, r.stderr), (0, ""))
        h.equal(state(), "paused")
        h.equal([flags for _, _, flags in authority.asked], [1, 0, 1], "interaction")
        for method, action in ((("Resume",), "pause"), (("Reload",), "reload"),
                               (("CancelJob", "t", "8"), "migrate"),
                               (("Migrate", "utiit", "1000", "0", "4", "0", "0"), "migrate")):
            in_background("busctl", f"--address={bus.address}", "call", h.NAME, h.PATH,
                          h.INTERFACE, *method)
            h.equal(authority.asked[-1][:2], ("system-bus-name", f"org.numabalancer1.{action}"))
        h.equal(state(), "running")
        h.call(connection, "Resume")
        h.equal(len(authority.asked), 7, "root is not asked about")
    finally:
        authority.leave()
    r = manager("Pause", "t", "0")
    h.true(r.returncode != 0 and "Access denied" in r.stderr, "without polkit root only")


def test_details_for_polkit():
    """Which process and unit it is about: for rules, and for the person who is asked."""
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    authority = Authority()
    try:
        for method, pid, unit in (
                (("Migrate", "utiit", "1000", "0", "4", "0", "0"), "1000", "worker@1.service"),
                (("Migrate", "utiit", "999", "0", "4", "0", "0"), "999", ""),
                (("CancelJob", "t", "8"), "1000", "worker@1.service"),
                (("CancelJob", "t", "7"), None, None), (("Pause", "t", "0"), None, None),
                (("Reload",), None, None)):
            in_background("busctl", f"--address={bus.address}", "call", h.NAME, h.PATH, h.INTERFACE,
                          *method)
            details = authority.details
            if pid is None:
                h.equal(details, {}, str(method))
                continue
            h.equal((details["pid"], details["unit"]), (pid, unit), str(method))
            message = details["polkit.message"]
            h.equal(("$(pid)" in message, "$(unit)" in message), (True, bool(unit)), message)
            h.equal(set(details), {"pid", "unit", "polkit.message", "polkit.gettext_domain"})
    finally:
        authority.leave()


# Method and arguments, action, what it says when it is carried out: nothing, a job or an error. None:
# this changes.
CHANGES = (
    (("Pause", "t", "0"), "pause", ""), (("Resume",), "pause", ""),
    (("Migrate", "utiit", "1000", "1", "4", "0", "1"), "migrate", "t 9"),
    (("CancelJob", "t", "8"), "migrate", ""),
    (("CancelJob", "t", "7"), "migrate", "There is no unfinished job 7"),
    (("Reload",), "reload", None),  # refused every second time
)


def test_rules_of_polkit():
    """Each action is allowed and denied for itself."""
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    authority = Authority()
    try:
        for allowed in ("pause", "migrate", "reload", None):
            authority.rules = {f"org.numabalancer1.{allowed}": (True, False)}
            for method, action, says in CHANGES:
                before = state()
                r = in_background("busctl", f"--address={bus.address}", "call", h.NAME, h.PATH,
                                  h.INTERFACE, *method)
                what = f"{method} with {allowed}: {r.stdout}{r.stderr}"
                h.equal(authority.asked[-1][1], f"org.numabalancer1.{action}", what)
                if action == allowed:
                    h.true(says is None or (says in r.stdout + r.stderr if says
                                            else not r.returncode), what)
                    h.true("Access denied" not in r.stderr, what)
                else:
                    h.true(r.returncode != 0 and "Access denied" in r.stderr, what)
                    h.equal(state(), before, what)
    finally:
        authority.leave()


def test_waiting_for_polkit_keeps_nobody_out():
    """Questions that polkit does not answer are bounded, and root is served meanwhile."""
    if os.geteuid() != 0:
        raise h.Skip("root, to become another user")
    authority = Authority()
    authority.hold = True
    command = [f"busctl --address={bus.address} --timeout=5 call {h.NAME} {h.PATH} {h.INTERFACE}"
               " Resume & "] * 20
    try:
        r = in_background("sh", "-c", "".join(command) + "wait")
        h.equal(len(authority.held), 16, "questions under way")
        h.equal(r.stderr.count("Too many callers"), 4, r.stderr)
        h.call(connection, "Resume")
    finally:
        authority.leave()


def test_actions_are_those_of_the_policy():
    tree = ET.parse(os.path.join(h.TOP, "conf/org.numabalancer1.policy"))
    shipped = {a.get("id") for a in tree.iter("action")}
    with open(os.path.join(h.TOP, "daemon/report/bus_private.h"), encoding="utf-8") as f:
        used = set(re.findall(r'#define ACTION_\w+ +"([^"]+)"', f.read()))
    h.equal(shipped, used)
    for action in tree.iter("action"):
        owner = action.find("annotate[@key='org.freedesktop.policykit.owner']")
        h.equal(owner.text, "unix-user:_numabalancer", action.get("id"))


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
