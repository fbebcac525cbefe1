#!/usr/bin/env python3
"""1,000 processors made by configfs, beside what issue 6 allows; exit status 1 where it is more.

scripts/bench.d/configfs.py [devfuse|fusepy] [NUMBER]
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from board import ROOT, _until

FEW = 10
ROUNDS = 101


@contextlib.contextmanager
def mounted(transport, scratch):
    """The mountpoint of a board without processors, and the process that serves it."""
    scratch.mkdir()
    board, mountpoint = scratch / "none.toml", scratch / "mnt"
    board.touch()
    mountpoint.mkdir()
    command = [sys.executable, "-m", "rprocfs", "mount", "-f", "--board", board]
    process = subprocess.Popen(
        [*command, "-o", f"transport={transport}", mountpoint],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(mountpoint / "sys/kernel/config/remoteproc")
        yield mountpoint, process.pid
    finally:
        process.terminate()
        process.wait(20)


def make(config, numbers):
    """mkdir, what it is, live."""
    for number in numbers:
        item = config / f"p{number}"
        item.mkdir()
        (item / "compatible").write_text("rprocfs,sim")
        (item / "live").write_text("1")


def remove(config, numbers):
    """Not live, rmdir."""
    for number in numbers:
        (config / f"p{number}/live").write_text("0")
        (config / f"p{number}").rmdir()


def seconds(function, *arguments):
    """How long it takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def run(*command):
    """Run it; what it prints goes nowhere."""
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def ls_ratio(mountpoint, other):
    """The medians of `ls -l` of one processor on each, taking turns."""
    times = {mountpoint: [], other: []}
    for _ in range(ROUNDS):
        for where, found in times.items():
            found.append(seconds(run, "ls", "-l", f"{where}/sys/class/remoteproc/remoteproc3/"))
    return statistics.median(times[mountpoint]) / statistics.median(times[other])


def rss(pid):
    """Megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(transport, number, scratch):
    """Name to what was measured and what is allowed."""
    with (
        mounted(transport, scratch / "many") as (mountpoint, pid),
        mounted(transport, scratch / "few") as (other, _),
    ):
        config = mountpoint / "sys/kernel/config/remoteproc"
        make(other / "sys/kernel/config/remoteproc", range(FEW))
        found = {"create, s": (seconds(make, config, range(number)), 5.0)}
        found["find, s"] = (seconds(run, "find", mountpoint), 2.0)
        found["RSS, MB"] = (rss(pid), 150.0)
        found[f"ls, ratio to {FEW}"] = (ls_ratio(mountpoint, other), 1.2)
        remove(config, range(number))
        found["left over"] = (len(list((mountpoint / "sys/class/remoteproc").iterdir())), 0)
        again = rss(pid)
        make(config, range(number))
        remove(config, range(number))
        found["RSS of a second time, ratio"] = (rss(pid) / again, 1.2)
    return found


def main():
    """The command."""
    transport, number = [*sys.argv[1:], *("devfuse", "1000")[len(sys.argv) - 1 :]]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # as ../bench
    with tempfile.TemporaryDirectory(prefix="rprocfs-bench-") as scratch:
        found = measure(transport, int(number), Path(scratch))
    for name, (value, allowed) in found.items():
        print(f"{name:30} {value:8.2f}  of {allowed:g}{'' if value <= allowed else '  TOO MUCH'}")
    return int(any(value > allowed for value, allowed in found.values()))


if __name__ == "__main__":
    sys.exit(main())
