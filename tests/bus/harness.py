# SPDX-License-Identifier: GPL-2.0-or-later
"""A private system-like bus, the fake service on it, and TAP output for the bus tests."""
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.numabalancer1"
PATH = "/org/numabalancer1"
INTERFACE = "org.numabalancer1.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# The rules of /usr/share/dbus-1/system.conf that matter here.
CONFIG = """<busconfig>
  <type>system</type>
  <listen>unix:path={dir}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Introspectable"/>
  </policy>
  <include>{policy}</include>
  {includes}
  <policy user="root">
    <allow own="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  {extra}
</busconfig>
"""


class Bus:
    """A dbus-daemon with the shipped policy; can be stopped and started again at one address."""

    def __init__(self, *policies):
        """policies: further policy files, of those that exist."""
        self.dir = tempfile.mkdtemp(prefix="numabalancer-bus-")
        atexit.register(shutil.rmtree, self.dir, True)
        os.chmod(self.dir, 0o755)
        self.address = f"unix:path={self.dir}/bus"
        self.process = None
        extra = ""
        if os.geteuid() != 0:
            user = pwd.getpwuid(os.geteuid()).pw_name
            extra = f'<policy user="{user}"><allow own="{NAME}"/></policy>'
        policy = os.path.join(TOP, "conf", "org.numabalancer1.conf")
        with open(f"{self.dir}/conf", "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=self.dir, policy=os.path.realpath(policy), extra=extra,
                                  includes="".join(f"<include>{p}</include>" for p in policies
                                                   if os.path.exists(p))))

    def start(self):
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.dir}/conf", "--nofork", "--nopidfile",
             "--print-address=1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if not self.process.stdout.readline():
            raise RuntimeError("dbus-daemon does not start")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def environment(self):
        return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address, "LC_ALL": "C.UTF-8"}

    def connect(self):
        return Gio.DBusConnection.new_for_address_sync(
            self.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)

    def run(self, *command, **options):
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True,
                              timeout=20, check=False, **options)


class Service:
    """The fake service."""

    def __init__(self, bus, *arguments):
        self.process = subprocess.Popen([os.environ["FAKE_SERVICE"], *arguments],
                                        env=bus.environment(), stderr=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ticks(self):
        """Since this was asked last: how late its tick was at most, the same without waiting for a
        CPU, the CPU time that it used between two (all in ms), and how often the tick came."""
        self.process.send_signal(signal.SIGUSR2)
        *usec, n = map(int, self.process.stdout.readline().split())
        return *(value / 1000 for value in usec), n

    def memory_kib(self, key="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(key + ":"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def alive(self):
        return self.process.poll() is None

    def poke(self):
        self.process.send_signal(signal.SIGUSR1)

    def stop(self):
        """Ends it and returns its exit status (0: ended as asked)."""
        self.process.terminate()
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1
        finally:
            self.process.stderr.close()
            self.process.stdout.close()


def promtool(text):
    """What Prometheus' own checker has against metrics; nothing when they are clean."""
    program = shutil.which("promtool")
    if not program:
        raise Skip("promtool")
    r = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True,
                       timeout=60, check=False)
    return r.stdout + r.stderr + ("" if r.returncode == 0 else f"status {r.returncode}")


def call(connection, method, types=None, *values, interface=INTERFACE, path=PATH, name=NAME):
    """The unpacked answer; raises GLib.Error."""
    arguments = GLib.Variant(types, values) if types else None
    answer = connection.call_sync(name, path, interface, method, arguments, None,
                                  Gio.DBusCallFlags.NO_AUTO_START, 10000, None)
    return answer.unpack()


def error_of(connection, method, types=None, *values, **options):
    """The D-Bus name of the error that a call gives, or None."""
    try:
        call(connection, method, types, *values, **options)
    except GLib.Error as e:
        return Gio.DBusError.get_remote_error(e)
    return None


def owned(connection):
    return call(connection, "NameHasOwner", "(s)", NAME, interface="org.freedesktop.DBus",
                path="/org/freedesktop/DBus", name="org.freedesktop.DBus")[0]


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def pump(condition, seconds=10):
    """Handles what arrives on the connections until the condition holds."""
    context = GLib.MainContext.default()

    def step():
        while context.iteration(False):
            pass
        return condition()

    return wait_for(step, seconds)


def wait_owned(bus):
    """A connection to the bus once the service has its name."""
    connection = bus.connect()
    if not wait_for(lambda: owned(connection)):
        raise AssertionError("the service does not appear on the bus")
    return connection


class Skip(Exception):
    """Raised by a test that cannot run here; says what is missing."""


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: got {actual!r}, expected {expected!r}")


def true(value, what):
    if not value:
        raise AssertionError(what)


def run_tests(tests):
    """Runs functions test_*, prints TAP, exits 1 when one failed."""
    failed = False
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = test.__name__.removeprefix("test_")
        try:
            test()
            print(f"ok {number} {name}", flush=True)
        except Skip as e:
            print(f"ok {number} {name} # SKIP {e}", flush=True)
        except Exception:  # a test may fail in any way
            failed = True
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} {name}", flush=True)
    sys.exit(1 if failed else 0)
