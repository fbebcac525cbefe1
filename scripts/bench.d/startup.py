#!/usr/bin/env python3
"""How long commands take, beside Python itself: the median, and how many times `python3 -c pass`.

scripts/bench.d/startup.py [ROUNDS]     the commands take turns; 20 rounds
"""

import statistics
import subprocess
import sys
import time

from board import ROOT

IMAGE = ROOT / "rprocfs/firmware/echo.elf"
#: What is run, and the seconds that are allowed on an idle machine.
COMMANDS = {
    "python3 -c pass": (["-c", "pass"], None),
    "rprocfs --version": (["-m", "rprocfs", "--version"], 0.08),
    "rprocfs --help": (["-m", "rprocfs", "--help"], 0.08),
    "rprocfs run -- true": (["-m", "rprocfs", "run", "--", "true"], 0.2),
    "rprocfs check echo.elf": (["-m", "rprocfs", "check", str(IMAGE)], 0.2),
}


def seconds(words):
    """How long one takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(rounds):
    """Measure and print."""
    taken = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, (words, _) in COMMANDS.items():
            taken[name].append(seconds(words))
    base = statistics.median(taken["python3 -c pass"])
    for name, (_, allowed) in COMMANDS.items():
        median = statistics.median(taken[name])
        said = f"{name:24} {median:6.3f} s {median / base:6.1f} x"
        print(said if allowed is None else f"{said}   allowed {allowed} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
