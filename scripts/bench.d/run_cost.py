"""The rows of ``rprocfs run``: ordinary programs in a run, with and without exact device nodes.

What counts are the ratios to the same program outside.
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
#: Row -> the program, which has to be installed.
ROWS = {
    "find /usr/lib": ["find", "/usr/lib"],
    "ls -lR /usr/include": ["ls", "-lR", "/usr/include"],
    "git status": ["git", "-C", str(ROOT), "status", "--short"],
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import json ...'": [sys.executable, "-c", "import json, logging, argparse"],
    "cc -c": ["cc", "-c", "-o", os.devnull, "-x", "c", str(ROOT / "rprocfs/kit/rpmsg.c")],
}
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
KINDS = {"run": [], "run --no-devices": ["--no-devices"]}


def _seconds():
    """How long each program takes, by its row."""
    found = {}
    for row, command in ROWS.items():
        if shutil.which(command[0]):
            start = time.perf_counter()
            subprocess.run(command, check=False, **SILENT)
            found[row] = time.perf_counter() - start
    return found


def _inside(options, scratch):
    result = scratch / "seconds.json"
    command = [sys.executable, "-m", "rprocfs", "run", *options, "--", sys.executable, __file__]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"}
    subprocess.run([*command, result], env=environment, check=True)
    return json.loads(result.read_text())


def measure(rounds):
    """Row to kind to the seconds of all rounds, which take turns."""
    found = {row: {"outside": [], **{kind: [] for kind in KINDS}} for row in ROWS}
    with tempfile.TemporaryDirectory(prefix="rprocfs-bench-") as scratch:
        for _ in range(rounds):
            for kind in ("outside", *KINDS):
                inside = kind in KINDS
                times = _inside(KINDS[kind], Path(scratch)) if inside else _seconds()
                for row, seconds in times.items():
                    found[row][kind].append(seconds)
    return {row: kinds for row, kinds in found.items() if kinds["outside"]}


def show(found):
    """Print medians, and ratios to the program outside."""
    for row, kinds in found.items():
        medians = {kind: statistics.median(values) for kind, values in kinds.items()}
        words = [f"outside {medians['outside'] * 1e3:7.1f} ms"]
        words += [f"{medians[kind] / medians['outside']:5.2f} x in {kind}" for kind in KINDS]
        print(f"{row:28}", "  ".join(words))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(_seconds()))
