#!/usr/bin/env python3
"""The rows of an engine: what scripts/firmware/workload.c does, on Unicorn and on QEMU.

Also on Unicorn while it counts what is executed (``-o coverage=``).

scripts/bench.d/engine.py [ROUNDS [ROW...]]

A row is seconds of CPU, as a busy machine changes these the least. The engines take turns,
so that both meet the same one.
"""

import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "tests/firmware/workload.elf"
WITHIN = 120


class Core:
    """A processor that executes the image."""

    def __init__(self, engine):
        sys.path.insert(0, str(ROOT))
        from tests.engines.host import Host

        self._host = Host(IMAGE, core="cortex-m4", engine=engine)
        self._worker = self._host.worker
        self._seen = 0
        self._wait()

    def _wait(self):
        self._seen += 1
        with self._host.changed:
            done = self._host.changed.wait_for(
                lambda: len(self._worker.console) >= self._seen or self._host.deaths, WITHIN
            )
        if not done or self._host.deaths:
            raise SystemExit(f"bench: the workload ended: {self._host.deaths}")

    def _cpu(self):
        tasks = Path(f"/proc/{self._worker.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def cpu(self, letter):
        """Seconds of CPU until it is done."""
        begin = self._cpu()
        self._worker.send_console(letter.encode())
        self._wait()
        return self._cpu() - begin

    def close(self):
        """End it."""
        self._host.__exit__()


def engines():
    """Name to class of those that are installed."""
    from rprocfs.engines.qemu.engine import QemuEngine, program
    from rprocfs.engines.unicorn.engine import UnicornEngine

    found = {"unicorn": UnicornEngine} | ({"qemu": QemuEngine} if program() else {})
    return found | {"counting": counting}


def counting():
    """Unicorn, which counts what is executed."""
    from rprocfs.engines.counters import Counters
    from rprocfs.engines.unicorn.engine import UnicornEngine
    from rprocfs.soc.vsoc import VSOC1

    engine = UnicornEngine()
    engine.files["coverage"] = Counters((bank.da, bank.size) for bank in VSOC1.banks).fd
    return engine


#: Row -> letter of the workload.
ROWS = {
    "compute": "c",
    "memory": "m",
    "FPU": "f",
    "2,000 exceptions": "i",
    "20,000 register reads": "p",
    "1 s of 1 kHz": "t",
    "1 s of 10 kHz": "T",
}


def measure(rounds, rows=ROWS):
    """Row to engine to seconds of all rounds."""
    times = {row: {} for row in rows}
    cores = {name: Core(engine()) for name, engine in engines().items()}
    try:
        for row in rows:
            times[row] = {name: [] for name in cores}
            for number in range(rounds + 1):
                for name, core in cores.items():
                    took = core.cpu(ROWS[row])
                    if number:  # the first translates the code
                        times[row][name].append(took)
    finally:
        for core in cores.values():
            core.close()
    return times


def _ratio(ours, theirs):
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def show(times):
    """Print the medians in milliseconds of CPU, and the ratio of pairs."""
    for row, columns in times.items():
        words = [f"{name} {statistics.median(t) * 1000:9.2f} ms" for name, t in columns.items()]
        if "qemu" in columns:
            words.append(f"{_ratio(columns['unicorn'], columns['qemu']):5.2f} x qemu")
        words.append(f"counting {_ratio(columns['counting'], columns['unicorn']):5.2f} x")
        print(f"{row:24}", "  ".join(words))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    show(measure(int(sys.argv[1]) if sys.argv[1:] else 5, sys.argv[2:] or ROWS))
