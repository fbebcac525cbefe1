"""What all commands have in common."""

import os
import signal
import subprocess
import sys

import pytest

from rprocfs.system import bundled_firmware

COMMANDS = [
    ["firmware", "list"],
    ["board", "list"],
    ["check", "--json", f"{bundled_firmware()}/echo.elf"],
]


def _start(*words, **how):
    return subprocess.Popen([sys.executable, "-m", "rprocfs", *words], **how)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_nobody_reads_on(words):
    reading, writing = os.pipe()
    os.close(reading)
    with _start(*words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert process.communicate(timeout=20)[1] == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("words", [[], ["nonsense"], ["mount"], ["run", "--nonsense"]])
def test_wrong_usage(words):
    with _start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, b"")
    assert error.startswith(b"usage: rprocfs")
