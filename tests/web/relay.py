# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers of the fake service on a bus of their own, with an hour of history and some moves in them:
a service that has run for five seconds has neither."""
import math
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bus"))
import harness as h  # noqa: E402

from gi.repository import Gio, GLib  # noqa: E402

END_USEC = 1700003600000000
ROWS = 360


def history_row(i):
    """Ten seconds of a machine on which a process is moved in the middle; a pause without samples."""
    accesses = 0 if 100 <= i < 120 else 5000 + i % 17 * 100
    share = 0.6 + 0.2 * math.sin(i / 9) if i < 180 else 0.03 + 0.02 * math.sin(i / 5)
    values = {"end_usec": END_USEC - (ROWS - 1 - i) * 10000000, "interval_usec": 10000000, "samples": accesses * 2,
              "lost": 0, "accesses": accesses, "remote": int(accesses * share),
              "pages_moved": 32768 if 176 <= i < 184 else 0, "pages_failed": 0,
              "bytes_moved": (134217728 >> abs(i - 180)) if 176 <= i < 184 else 0,
              "migrations_finished": int(i == 183), "migrations_failed": 0, "cpu_usec": 90000}
    row = {name: GLib.Variant("t", value) for name, value in values.items()}
    row["processes"] = GLib.Variant("u", 3)
    return row


HOSTILE = '"><script>document.title="broken"</script><img src=x onerror="document.title=1">.service'


def with_hostile_unit(answer):
    """The last process lives in a unit whose name is a piece of HTML."""
    rows = [answer.get_child_value(0).get_child_value(i) for i in range(answer.get_child_value(0).n_children())]
    rows = [{key: row.lookup_value(key, None) for key in row.keys()} for row in rows]
    rows[-1]["unit"] = GLib.Variant("s", HOSTILE)
    return GLib.Variant("(aa{sv})", (rows,))


class Relay:
    """Asks the fake service on `source` and answers on `target`."""

    def __init__(self, source, target):
        self.source, self.connection = source, target.connect()
        # Handled in the thread of its own main context, so that tests may wait for a program.
        self.loop = GLib.MainLoop(GLib.MainContext())
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(10)

    def run(self, ready):
        context = self.loop.get_context()
        context.push_thread_default()
        with open(os.path.join(h.TOP, "conf/org.numabalancer1.Manager.xml"), encoding="utf-8") as f:
            node = Gio.DBusNodeInfo.new_for_xml(f.read())
        for interface in node.interfaces:
            if interface.name == h.INTERFACE:
                self.connection.register_object(h.PATH, interface, self.on_call, self.on_get, None)
        h.call(self.connection, "RequestName", "(su)", h.NAME, 4, interface="org.freedesktop.DBus",
               path="/org/freedesktop/DBus", name="org.freedesktop.DBus")
        ready.set()
        self.loop.run()

    def answer(self, method, arguments, interface=h.INTERFACE):
        return self.source.call_sync(h.NAME, h.PATH, interface, method, arguments, None,
                                     Gio.DBusCallFlags.NO_AUTO_START, 10000, None)

    def on_get(self, _connection, _sender, _path, interface, name):
        answer = self.answer("Get", GLib.Variant("(ss)", (interface, name)), h.PROPERTIES)
        return answer.get_child_value(0).get_variant()

    def on_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        if method == "GetHistory":
            answer = GLib.Variant("(aa{sv})", ([history_row(i) for i in range(ROWS)],))
        else:
            answer = self.answer(method, arguments)
        if method == "ListProcesses":
            answer = with_hostile_unit(answer)
        invocation.return_value(answer)

    def stop(self):
        self.loop.quit()
        self.thread.join(10)
