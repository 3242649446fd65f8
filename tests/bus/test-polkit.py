#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped actions with polkit itself, in a mount namespace where only our actions and rules exist."""
import os
import subprocess

import harness as h

POLKITD = "/usr/lib/polkit-1/polkitd"
RULES = """
polkit.addRule(function (action, subject) {
        if (subject.user != "nobody")
                return polkit.Result.NOT_HANDLED;
        if (action.id == "org.numabalancer1.pause")
                return polkit.Result.YES;
        if (action.id == "org.numabalancer1.reload")
                return polkit.Result.NO;
        if (action.id == "org.numabalancer1.migrate" && action.lookup("pid") == "1000" &&
            action.lookup("unit") == "worker@1.service")
                return polkit.Result.YES;
        return polkit.Result.NOT_HANDLED;
});
"""
# What is there otherwise is hidden, so that a machine's own rules neither help nor harm.
PREPARE = """
for d in /usr/share/polkit-1/actions /usr/share/polkit-1/rules.d /etc/polkit-1/rules.d; do
        [ ! -d $d ] || mount -t tmpfs -o mode=755 none $d || exit 99
done
cp "$1" /usr/share/polkit-1/actions/ && cp "$2" /etc/polkit-1/rules.d/ || exit 99
chmod 644 /etc/polkit-1/rules.d/* && exec "$0" --no-debug
"""
bus = h.Bus("/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf")
bus.start()
service = h.Service(bus)
connection = h.wait_owned(bus)
polkit = None


def start_polkit():
    rules = os.path.join(bus.dir, "50-test.rules")
    with open(rules, "w", encoding="utf-8") as f:
        f.write(RULES)
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", PREPARE, POLKITD,
         os.path.join(h.TOP, "conf/org.numabalancer1.policy"), rules],
        env=bus.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def needs_polkit():
    if polkit is None:
        raise h.Skip("polkit, which could not be started")


def manager(*call):
    """As another user: what busctl says."""
    r = bus.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl",
                f"--address={bus.address}", "call", h.NAME, h.PATH, h.INTERFACE, *call)
    return r.stdout + r.stderr


def test_starts():
    global polkit
    if os.geteuid() != 0 or bus.run("unshare", "--mount", "true").returncode:
        raise h.Skip("root and mount namespaces, to start polkit")
    if not os.path.exists(POLKITD):
        raise h.Skip("polkitd")
    polkit = start_polkit()
    there = h.wait_for(lambda: h.call(
        connection, "NameHasOwner", "(s)", "org.freedesktop.PolicyKit1", interface="org.freedesktop.DBus",
        path="/org/freedesktop/DBus", name="org.freedesktop.DBus")[0] or polkit.poll() is not None, 20)
    h.true(there and polkit.poll() is None, "polkit appears on the bus")


def test_rules_allow():
    needs_polkit()
    h.equal(manager("Pause", "t", "0"), "")
    h.equal(manager("Resume"), "")
    h.equal(manager("Migrate", "utiit", "1000", "0", "4", "0", "0").strip(), "t 9", "pid and unit fit")
    h.equal(manager("CancelJob", "t", "8"), "", "the job is one of this process")


def test_rules_deny():
    needs_polkit()
    for call in (("Reload",), ("Migrate", "utiit", "1001", "0", "4", "0", "0"),
                 ("Migrate", "utiit", "999", "0", "4", "0", "0"), ("CancelJob", "t", "7")):
        text = manager(*call)
        h.true("Access denied" in text or "Only root" in text or "password" in text, f"{call}: {text}")
    h.equal(h.error_of(connection, "Reload"), "org.numabalancer1.Error.ConfigInvalid",
            "the first reload is root's")


def test_actions_are_complete():
    needs_polkit()
    actions = h.call(connection, "EnumerateActions", "(s)", "", interface="org.freedesktop.PolicyKit1.Authority",
                     path="/org/freedesktop/PolicyKit1/Authority", name="org.freedesktop.PolicyKit1")[0]
    h.equal({a[0] for a in actions}, {f"org.numabalancer1.{n}" for n in ("pause", "reload", "migrate")})
    for a in actions:
        # Description and message; then what holds without a rule: 2 and 4 ask for an administrator's
        # password, 4 for a while.
        h.true(a[1] and a[2], a[0])
        h.equal(a[6:9], (2, 2, 4), a[0])


try:
    h.run_tests([f for name, f in list(globals().items()) if name.startswith("test_")])
finally:
    if polkit:
        polkit.terminate()
        polkit.wait()
    service.stop()
    bus.stop()
