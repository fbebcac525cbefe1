"""A scripted gdb: what it prints, with what is another every time taken out."""

import os
import re
import shutil
import subprocess
import threading

import pytest

GDB, GCC = shutil.which("gdb-multiarch"), shutil.which("arm-none-eabi-gcc")
NEEDS_GDB = pytest.mark.skipif(not GDB or not GCC, reason="no gdb-multiarch, or no compiler")
SAFETY = 240  # seconds until a session that hangs fails
QUIET = (
    "set pagination off", "set confirm off", "set width 0", "set remotetimeout 120",
    "set print frame-arguments none", "set debuginfod enabled off",
)  # fmt: skip


class Session:
    """gdb with *image* and the commands of *script*, in a thread: :meth:`output` waits for it."""

    def __init__(self, image, script, directory):
        words = [GDB, "-nx", "-batch"]
        for command in QUIET:
            words += ["-iex", command]
        for command in script.strip().splitlines():
            words += ["-ex", command.strip()]
        self.process = subprocess.Popen(
            [*words, str(image)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C"},
        )
        self.lines = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._said:
                self.lines.append(line.rstrip())
                self._said.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def wait(self, text):
        """Until a line has *text* in it."""
        with self._said:
            found = self._said.wait_for(lambda: any(text in line for line in self.lines), SAFETY)
        assert found, "\n".join(self.lines)

    def output(self):
        """All that was printed."""
        self.process.wait(SAFETY)
        self._reader.join()
        return "\n".join(self.lines)


def transcript(output):
    """The lines, without addresses, directories, and lines of the kit."""
    output = re.sub(r"0x[0-9a-f]{8} in ", "", output)
    output = re.sub(r"\S*/(\w+\.c)\b", r"\1", output)
    output = re.sub(r"(?m)( at vsoc\.c):\d+\n\d+\t.*$", r"\1", output)
    output = re.sub(r"( at vsoc\.c):\d+", r"\1", output)
    output = re.sub(r"(Breakpoint \d+ at )0x[0-9a-f]+", r"\1", output)
    return [line for line in output.splitlines() if line]
