"""The rows of a whole board: boots, round trips to a processor, loading a large image."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGE = 64 << 20
#: The processors, by their numbers.
UNICORN, SIMULATED, QEMU = range(3)
BOARD = """
[[remoteproc]]
compatible = "rprocfs,cortex-m4"
engine = "unicorn"
[[remoteproc]]
compatible = "rprocfs,sim"
services = "rpmsg-raw@1024"
memory = "any"
lenient = true
[[remoteproc]]
compatible = "rprocfs,cortex-m4"
engine = "qemu"
"""
MESSAGES = 500


def _large_image(path):
    """An ELF file with one segment of 64 MiB, and no resource table."""
    from rprocfs.testing.elf import ElfImage, Segment

    segment = Segment(0x40000000, os.urandom(1 << 20) * (LARGE >> 20))
    path.write_bytes(ElfImage(segments=[segment]).build())


@contextmanager
def _mounted(transport, mountpoint, firmware):
    mountpoint.mkdir()
    options = f"transport={transport},firmware={firmware}"
    board = firmware.parent / "board.toml"
    board.write_text(BOARD)
    command = [sys.executable, "-m", "rprocfs", "mount", "-f", "--board", board, "-o", options]
    process = subprocess.Popen(
        [*command, mountpoint],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(mountpoint / "sys")
        yield mountpoint
    finally:
        process.terminate()
        process.wait(10)


def _until(path):
    deadline = time.monotonic() + 10
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {path} never appeared")
        time.sleep(0.0005)


def _rproc(mountpoint, number):
    return mountpoint / f"sys/class/remoteproc/remoteproc{number}"


@contextmanager
def _running(mountpoint, number, image):
    """A started processor; the seconds that the write of `start` took."""
    rproc = _rproc(mountpoint, number)
    (rproc / "firmware").write_text(image)
    start = time.perf_counter()
    (rproc / "state").write_text("start")
    try:
        yield time.perf_counter() - start
    finally:
        (rproc / "state").write_text("stop")


def _boot(number):
    """From `start` to the node of the first channel."""

    def seconds(mountpoint):
        start = time.perf_counter()
        with _running(mountpoint, number, "echo.elf"):
            _until(mountpoint / "dev/rpmsg0")
            return time.perf_counter() - start

    return seconds


def _announced(number):
    """From `start` to the first name service announcement, by the kernel log's own clock."""

    def seconds(mountpoint):
        log = os.open(mountpoint / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        with suppress(BlockingIOError):
            while os.read(log, 8192):  # what was said before
                pass
        with _running(mountpoint, number, "echo.elf"):
            _until(mountpoint / "dev/rpmsg0")
            begin = _said(log, "powering up")
            end = _said(log, "creating channel")
        os.close(log)
        return end - begin

    return seconds


def _said(log, words):
    """When the kernel log said it next, in seconds."""
    while True:
        fields, _, text = os.read(log, 8192).decode().partition(";")
        if words in text:
            return int(fields.split(",")[2]) / 1e6


def _round_trip(number):
    """A message of 16 bytes to the processor and back, the median of many."""

    def seconds(mountpoint):
        times = []
        with _running(mountpoint, number, "echo.elf"):
            _until(mountpoint / "dev/rpmsg0")
            fd = os.open(mountpoint / "dev/rpmsg0", os.O_RDWR)
            for _ in range(MESSAGES):
                start = time.perf_counter()
                os.write(fd, b"x" * 16)
                os.read(fd, 64)
                times.append(time.perf_counter() - start)
            os.close(fd)
        return statistics.median(times)

    return seconds


def _load(mountpoint):
    """`start` with an image of 64 MiB."""
    with _running(mountpoint, SIMULATED, "large.elf") as seconds:
        return seconds


ROWS = {
    "boot, simulated": _boot(SIMULATED),
    "boot, unicorn": _boot(UNICORN),
    "boot, qemu": _boot(QEMU),
    "announced, unicorn": _announced(UNICORN),
    "announced, qemu": _announced(QEMU),
    "round trip, simulated": _round_trip(SIMULATED),
    "round trip, unicorn": _round_trip(UNICORN),
    "round trip, qemu": _round_trip(QEMU),
    "load 64 MiB": _load,
}


def measure(scratch, rounds, transports):
    """Row to server to seconds of all rounds; `cp` of the same file beside the load."""
    firmware = scratch / "firmware"
    shutil.copytree(ROOT / "rprocfs/firmware", firmware)
    _large_image(firmware / "large.elf")
    rows = {row: ROWS[row] for row in ROWS if "qemu" not in row or shutil.which("qemu-system-arm")}
    times = {row: {name: [] for name in transports} for row in rows}
    times["load 64 MiB"]["cp"] = []
    with ExitStack() as stack:
        mounted = {
            name: stack.enter_context(_mounted(name, scratch / f"board-{name}", firmware))
            for name in transports
        }
        for _ in range(rounds):
            for row, function in rows.items():
                for name, mountpoint in mounted.items():
                    times[row][name].append(function(mountpoint))
            start = time.perf_counter()
            subprocess.run(["cp", firmware / "large.elf", scratch / "copy"], check=True)
            times["load 64 MiB"]["cp"].append(time.perf_counter() - start)
    return times


def show(times):
    """Print the medians, in milliseconds, and devfuse's ratios."""
    for row, servers in times.items():
        medians = {name: statistics.median(values) for name, values in servers.items()}
        words = [f"{name} {value * 1000:9.3f} ms" for name, value in medians.items()]
        ours = medians["devfuse"]
        words += [f"{ours / value:5.2f} x {name}" for name, value in medians.items()
                  if name != "devfuse"]  # fmt: skip
        print(f"{row:24}", "  ".join(words))
