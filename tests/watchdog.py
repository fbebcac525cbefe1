"""A pytest plugin: no test hangs where no signal ends it.

pytest-timeout ends a test by a signal, which Python sees only when it runs. A test that waits
in the kernel for a FUSE server of its own process is out of reach, and so is ``kill -9``. The
mounts of a test that outlives its timeout are aborted by another process, see
``abort_mounts.py``; the test fails then.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("abort_mounts.py")


class Watchdog:
    """Tells the other process what runs, and hears what it did."""

    def __init__(self, directory):
        command = [sys.executable, "-I", str(PROGRAM), str(os.getpid()), str(directory)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        os.set_blocking(self._process.stdout.fileno(), False)

    def watch(self, seconds, test):
        """*test* may run for some time after *seconds*, when pytest-timeout ends it."""
        self._say(f"{seconds * 1.1 + 1} {test}\n")

    def rest(self):
        """Nothing runs. What was done to the test, if anything."""
        self._say("\n")
        try:
            return os.read(self._process.stdout.fileno(), 1 << 16).decode()
        except BlockingIOError:
            return ""

    def _say(self, line):
        os.write(self._process.stdin.fileno(), line.encode())

    def close(self):
        """End the other process."""
        self._process.communicate()


def _timeout(item):
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))


def pytest_configure(config):
    """Register what follows."""
    config.pluginmanager.register(Watch(config))


class Watch:
    """The hooks; the other process is started by the first test."""

    def __init__(self, config):
        self._config = config
        self._watchdog = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        """One test with its fixtures."""
        if self._watchdog is None:
            self._watchdog = Watchdog(self._config._tmp_path_factory.getbasetemp())
        self._watchdog.watch(_timeout(item), item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """A test whose mount was aborted fails, whatever it made of that."""
        report = yield
        done = self._watchdog.rest()
        if done:
            report.outcome = "failed"
            report.longrepr = f"{report.longrepr or ''}\n{done}"
        if call.when != "teardown":
            self._watchdog.watch(_timeout(item), item.nodeid)
        return report

    def pytest_unconfigure(self):
        """The end."""
        if self._watchdog is not None:
            self._watchdog.close()
