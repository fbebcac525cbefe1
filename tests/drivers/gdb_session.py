"""A scripted gdb, or a client: what they are told, with what is another every time taken out."""

import os
import re
import select
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress

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


class Stub:
    """A connection to the stub at *path*."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SAFETY)
        self._socket.connect(str(path))
        self._stream = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._socket.close()

    def packet(self):
        """The next one."""
        while not (found := re.match(rb"\+*\$([^#]*)#..", self._stream)):
            more = self._socket.recv(4096)
            assert more, self._stream
            self._stream += more
        self._stream = self._stream[found.end() :]
        with suppress(BrokenPipeError):  # behind the last one
            self._socket.sendall(b"+")
        return found[1]

    def send(self, packet):
        """Ask for what has no answer yet."""
        self._socket.sendall(b"$%s#%02x" % (packet, sum(packet) & 0xFF))

    def ask(self, packet):
        """The answer, without what is for the console."""
        self.send(packet)
        while (answer := self.packet()).startswith(b"O") and answer != b"OK":
            pass
        return answer

    def hears_within(self, seconds):
        """Whether anything but an acknowledgement comes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                return False
            self._stream += self._socket.recv(4096)
            if b"$" in self._stream:
                return True
        return False

    @property
    def pc(self):
        """Of an Arm core."""
        return int.from_bytes(bytes.fromhex(self.ask(b"g")[15 * 8 : 16 * 8].decode()), "little")


def transcript(output):
    """The lines, without addresses, directories, and lines of the kit."""
    output = re.sub(r"0x[0-9a-f]{8} in ", "", output)
    output = re.sub(r"\S*/(\w+\.c)\b", r"\1", output)
    output = re.sub(r"(?m)( at vsoc\.c):\d+\n\d+\t.*$", r"\1", output)
    output = re.sub(r"( at vsoc\.c):\d+", r"\1", output)
    output = re.sub(r"(Breakpoint \d+ at )0x[0-9a-f]+", r"\1", output)
    return [line for line in output.splitlines() if line]
