#!/usr/bin/env python3
"""Round trips of rpmsg messages over ``/dev/rpmsgN`` inside ``rprocfs run``, by engine.

scripts/bench.d/round_trips.py [MESSAGES [ROUNDS [ENGINE...]]]

The client is a program in C, as those are that boards are measured with; what it and the
image do is in round_trip.c and scripts/firmware/echo.c.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "rprocfs/kit"
#: Engine -> its processor in a board file.
PROCESSORS = {
    "unicorn": 'compatible = "rprocfs,cortex-m4"\nengine = "unicorn"\nfirmware-name = "echo.elf"',
    "qemu": 'compatible = "rprocfs,cortex-m4"\nengine = "qemu"\nfirmware-name = "echo.elf"',
    "native": 'compatible = "rprocfs,native"\nallow-native = true\nfirmware-name = "native.elf"',
    "sim": 'compatible = "rprocfs,sim"\nservices = "rpmsg-raw@1024"\nmemory = "any"\n'
    'firmware-name = "echo.elf"',
}
LATENCY = ("average", "P50", "P99", "longest")
LONG, WINDOW, CHANNELS = 496, 32, 8
#: ``struct rpmsg_endpoint_info``: 32 bytes of name, source, destination; RPMSG_CREATE_EPT_IOCTL.
CREATE_EPT, ANY, ECHO = 0x4028B501, 0xFFFFFFFF, 1024


def compile_c(into, name, *sources):
    """A program of the host; SystemExit."""
    command = ["cc", "-O2", "-o", into / name, *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {name} does not compile: {done.stderr}")
    return into / name


def prepare(scratch):
    """The client, the images and a board for each engine, in *scratch*."""
    compile_c(scratch, "client", ROOT / "scripts/bench.d/round_trip.c")
    firmware = scratch / "firmware"
    firmware.mkdir()
    shutil.copy(ROOT / "rprocfs/firmware/echo.elf", firmware)
    kit = [KIT / "native.c", KIT / "log.c", KIT / "rpmsg.c"]
    compile_c(firmware, "native.elf", f"-I{KIT}", *kit, ROOT / "scripts/firmware/echo.c")
    for engine, processor in PROCESSORS.items():
        text = f'firmware-directory = "{firmware}"\n[[remoteproc]]\n{processor}\n'
        (scratch / f"{engine}.toml").write_text(text)


def _until(path):
    deadline = time.monotonic() + 20
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {path} never appeared")
        time.sleep(0.001)


def _endpoint(number):
    """A device with an endpoint of its own."""
    import fcntl
    import struct

    fd = os.open("/dev/rpmsg_ctrl0", os.O_RDWR)
    fcntl.ioctl(fd, CREATE_EPT, struct.pack("32sII", b"bench%d" % number, ANY, ECHO))
    os.close(fd)


def _inside(scratch, messages):
    """In the run: what the client says."""
    state = Path("/sys/class/remoteproc/remoteproc0/state")
    state.write_text("start")
    _until(Path("/dev/rpmsg0"))

    def client(count, size, window, *devices):
        command = [scratch / "client", str(count), str(size), str(window), *devices]
        text = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        return [float(word) for word in text.split()]

    found = dict(zip(LATENCY, client(messages, 1, 1, "/dev/rpmsg0"), strict=True))
    (found["MB/s"],) = client(messages // 2, LONG, WINDOW, "/dev/rpmsg0")
    before = set(Path("/dev").glob("rpmsg[0-9]*"))
    for number in range(CHANNELS):
        _endpoint(number)
    made = sorted(set(Path("/dev").glob("rpmsg[0-9]*")) - before)
    each = messages // 2 // CHANNELS
    (found["MB/s, 8 channels"],) = client(each, LONG, WINDOW // CHANNELS, *made)
    state.write_text("stop")
    print(json.dumps(found))


def engines():
    """Those that are installed."""
    return [name for name in PROCESSORS if name != "qemu" or shutil.which("qemu-system-arm")]


def measure(messages, rounds, names=()):
    """Engine to what is measured to the values of all rounds, the engines taking turns."""
    if shutil.which("cc") is None:
        print("bench: there is no C compiler, round trips are left out", file=sys.stderr)
        return {}
    names = names or engines()
    found = {engine: {} for engine in names}
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"}
    with tempfile.TemporaryDirectory(prefix="rprocfs-bench-") as directory:
        scratch = Path(directory)
        prepare(scratch)
        for _ in range(rounds):
            for engine in names:
                board = f"{scratch}/{engine}.toml"
                run = [sys.executable, "-m", "rprocfs", "run", "--board", board]
                inside = [sys.executable, __file__, "inside", str(scratch), str(messages)]
                done = subprocess.run(
                    [*run, "--", *inside], env=environment, stdout=subprocess.PIPE, check=True
                )
                for what, value in json.loads(done.stdout).items():
                    found[engine].setdefault(what, []).append(value)
    return found


def show(found):
    """Print the medians."""
    for engine, columns in found.items():
        medians = {what: statistics.median(values) for what, values in columns.items()}
        words = [f"{what} {medians[what]:6.1f}" for what in LATENCY]
        words += [f"{medians[what]:5.2f} {what}" for what in medians if what not in LATENCY]
        print(f"round trip, {engine:12}", "  ".join(words))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "mount")]
    if sys.argv[1:2] == ["inside"]:
        _inside(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        arguments = sys.argv[1:]
        messages = int(arguments[0]) if arguments else 100_000
        rounds = int(arguments[1]) if arguments[1:] else 1
        show(measure(messages, rounds, arguments[2:]))
