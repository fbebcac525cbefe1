#!/usr/bin/env python3
"""What -o trace= costs: round trips over /dev/rpmsg0 of the same image, with and without it.

scripts/bench.d/trace.py [ROUNDS]

Both processors live in this process, without a mount, which makes a round trip short and what
is added to it large. They take turns, so that both meet the same machine.
"""

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
ECHO = ROOT / "rprocfs/firmware/echo.elf"
TRIPS = 1000


def board(stack, observe):
    """An open /dev/rpmsg0 whose other end echoes."""
    from rprocfs.fs.wait import WouldBlock
    from rprocfs.testing.bench import Bench, Images

    directory = stack.enter_context(tempfile.TemporaryDirectory())
    images = Images(ECHO, ("rpmsg-raw", "rpmsg-echo"), "")
    m3 = {"compatible": "rprocfs,cortex-m3", "engine": "unicorn"}
    bench = stack.enter_context(Bench(m3, images, directory, observe=observe))
    bench.start()
    handle = bench.open("/dev/rpmsg0")

    def trip():
        handle.write(b"x", 0)
        while True:
            try:
                return handle.read(512, 0)
            except WouldBlock:
                time.sleep(0)

    return trip


def main(rounds):
    """Print the medians, and the ratio of pairs."""
    from rprocfs.base.observe import Observe

    with ExitStack() as stack:
        file = stack.enter_context(tempfile.NamedTemporaryFile())
        trips = {"plain": board(stack, Observe()), "traced": board(stack, Observe(trace=file.name))}
        times = {name: [] for name in trips}
        for number in range(rounds + 1):
            for name, trip in trips.items():
                begin = time.perf_counter()
                for _ in range(TRIPS):
                    trip()
                if number:
                    times[name].append((time.perf_counter() - begin) / TRIPS * 1e6)
        for name, took in times.items():
            print(f"{name:8} {statistics.median(took):8.1f} us a round trip")
        pairs = zip(times["traced"], times["plain"], strict=True)
        print(f"ratio    {statistics.median(one / other for one, other in pairs):8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
