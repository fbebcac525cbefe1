"""Console sessions as documents show them, typed into a shell.

A ``console`` block holds commands behind ``$`` and what they print; ``...`` in that stands
for anything. A ``code-block`` with a caption is a file of that name.
"""

import doctest
import os
import re
import subprocess
from pathlib import Path

from rprocfs_fuse.mountpoint import find_mount, unmount

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"^```(console|\{code-block\} \w+)\n(?::caption: (\S+)\n\n?)?(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PREAMBLE = "exec 2>&1\nmark() { local status=$?; printf '\\001'; return $status; }\n"


def parse(text):
    """The files of a document, and its console blocks: lists of a command and its output."""
    files, blocks = {}, []
    for kind, caption, block in BLOCK.findall(text):
        if kind == "console":
            blocks.append(_commands(block))
        elif caption:
            files[caption] = block
    return files, blocks


def _commands(block):
    found = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0] += line[2:]
        else:
            found[-1][1] += line
    return found


def play(commands, here, environment, pause=0.0, limit=120):
    """Type *commands* in the directory *here*; fails where one prints something else.

    *limit* is in seconds.
    """
    wait = f"sleep {pause}\n" if pause else ""
    script = PREAMBLE + "".join(f"{wait}mark\n{command}" for command, _ in commands)
    try:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=here,
            env=os.environ | {"LC_ALL": "C"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    finally:
        left = [str(path) for path in here.iterdir() if find_mount(str(path))]
        for path in left:
            unmount(path, lazy=True)
    _, *outputs = done.stdout.split("\001")
    for (command, expected), printed in zip(commands, outputs, strict=False):
        output = printed and printed.rstrip("\n") + "\n"
        same = doctest.OutputChecker().check_output(expected, output, doctest.ELLIPSIS)
        assert same, f"$ {command}{output}"
    assert len(outputs) == len(commands), done.stdout
    assert not left, "not unmounted"
