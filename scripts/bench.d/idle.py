#!/usr/bin/env python3
"""Many QEMU processors that have nothing to do; exit status 1 where it is more than issue 5 allows.

scripts/bench.d/idle.py [NUMBER [WATCHDOG-MS]]
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from board import ROOT
from configfs import mounted

RUNNING_WITHIN = 10.0  # seconds until all are, and have announced what they offer
CPU = 1.0  # % that the daemon may take meanwhile
LOOKED_AT = 10.0  # seconds


def processor(mountpoint, number, watchdog):
    """Make one, and return its directory."""
    item = mountpoint / f"sys/kernel/config/remoteproc/q{number}"
    item.mkdir()
    settings = {
        "compatible": "rprocfs,cortex-m4",
        "engine": "qemu",
        "firmware-name": "echo.elf",
        "watchdog-ms": watchdog,
        "live": "1",
    }
    for key, value in settings.items():
        (item / key).write_text(value)
    device = mountpoint / "sys/bus/platform/devices" / (item / "dev_name").read_text().strip()
    return next((device / "remoteproc").iterdir())


def cpu_seconds(pid):
    """What the process has computed."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure(mountpoint, pid, count, watchdog):
    """Seconds until all run, and the daemon's CPU in % from then on."""
    made = [processor(mountpoint, number, watchdog) for number in range(count)]
    channels = mountpoint / "sys/bus/rpmsg/devices"
    begin = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda one: (one / "state").write_text("start"), made))
    while sum(".rpmsg-raw." in one.name for one in channels.iterdir()) < count:
        if time.monotonic() - begin > 10 * RUNNING_WITHIN:
            sys.exit("idle: not all processors announce")
        time.sleep(0.02)
    took = time.monotonic() - begin
    time.sleep(2)
    before = cpu_seconds(pid)
    time.sleep(LOOKED_AT)
    cpu = (cpu_seconds(pid) - before) / LOOKED_AT * 100
    if {(one / "state").read_text() for one in made} != {"running\n"}:
        sys.exit("idle: not all processors run")
    return took, cpu


def main():
    """Whether it is too much."""
    count, watchdog, *_ = [*sys.argv[1:], *("64", "0")[len(sys.argv) - 1 :]]
    with (
        tempfile.TemporaryDirectory(prefix="rprocfs-idle.") as scratch,
        mounted("devfuse", Path(scratch, "board")) as (mountpoint, pid),
    ):
        path = mountpoint / "sys/module/firmware_class/parameters/path"
        path.write_text(str(ROOT / "rprocfs" / "firmware"))
        took, cpu = measure(mountpoint, pid, int(count), watchdog)
    print(f"{count} processors run after {took:.2f} s (allowed {RUNNING_WITHIN:.0f} s)")
    print(f"the daemon takes {cpu:.2f} % CPU while they idle (allowed {CPU:.0f} %)")
    return took > RUNNING_WITHIN or cpu >= CPU


if __name__ == "__main__":
    sys.exit(main())
