"""A daemon with a board to torture, and what it uses."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import processes
from client import COMPATIBLES, ITEMS

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "rprocfs" / "firmware"
KIT = ROOT / "rprocfs" / "kit"
PATIENCE = 60.0  # seconds
#: How long one write may take that has to come to an end by itself, and how long the others may.
STEP, SHORT = 30.0, 2.0
#: As many short lines are more than the kernel log keeps, by number and by bytes.
LOG_LINES = 12000
#: Each is booted with the image that stands behind it.
PROCESSORS = (
    ('compatible = "rprocfs,sim"\nmemory = "any"\nservices = "rpmsg-raw@1024"', "echo.elf"),
    ('compatible = "rprocfs,sim"\nservices = "rpmsg-tty@1025"', "missing.elf"),
    ('compatible = "rprocfs,cortex-m4"\nengine = "unicorn"\nwatchdog-ms = 2000', "echo.elf"),
    ('compatible = "rprocfs,cortex-m3"\nengine = "unicorn"', "rng.elf"),
)
QEMU = ('compatible = "rprocfs,cortex-m4"\nengine = "qemu"', "echo.elf")
NATIVE = ('compatible = "rprocfs,native"\nallow-native = true', "native.elf")


class ChaosError(Exception):
    """What went wrong, one line or a piece of a log."""


class LateError(Exception):
    """Something took too long."""


def make_images(directory):
    """The images that come along, and a program of this host if it has a compiler."""
    shutil.copytree(IMAGES, directory)
    if shutil.which("gcc") is None:
        return
    files = [KIT / name for name in ("native.c", "log.c", "rpmsg.c")]
    source = ROOT / "scripts" / "firmware" / "echo.c"
    out = directory / "native.elf"
    subprocess.run(["gcc", "-O2", f"-I{KIT}", "-o", out, *files, source], check=True)


def _processors(images):
    more = [QEMU] if shutil.which("qemu-system-arm") else []
    more += [NATIVE] if (images / "native.elf").exists() else []
    return [*PROCESSORS, *more]


class Board:
    """A mounted board and its daemon."""

    def __init__(self, scratch, number, transport, images):
        self.mount = scratch / f"mnt{number}"
        self.mount.mkdir()
        self.log = scratch / f"log{number}"
        board = scratch / f"board{number}.toml"
        nodes = "".join(
            f'\n[[remoteproc]]\n{text}\nfirmware-name = "{image}"\n'
            for text, image in _processors(images)
        )
        board.write_text(f'firmware-directory = "{images}"\n{nodes}')
        options = f"configfs,log={self.log},transport={transport}"
        command = [sys.executable, "-X", "faulthandler", "-m", "rprocfs", "mount", "-f"]
        self._stderr = scratch / f"stderr{number}"
        self.process = subprocess.Popen(
            [*command, "-o", options, "--board", board, self.mount],
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}",
                "RPROCFS_LOCKDEP": "1",
            },
            stdin=subprocess.DEVNULL,
            stderr=self._stderr.open("wb"),
        )
        self.wait(lambda: (self.mount / "sys").exists(), "the board does not mount")

    def wait(self, condition, complaint):
        """Until *condition* holds; ChaosError."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise ChaosError(f"the daemon ended: {self.process.returncode}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ChaosError(complaint)
            time.sleep(0.05)

    def tail(self):
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def ended(self):
        """What a daemon said that has ended; "" while it has not."""
        code = self.process.poll()
        return "" if code is None else f"a daemon ended: {code}\n{self.tail()}"

    # What it uses.

    def rss(self):
        """Resident memory of the daemon, in KiB; 0 if it is gone."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def workers(self):
        """The daemon's children, by whatever thread."""
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
        return found

    def usage(self):
        """Descriptors, memfds, threads and processes of the daemon."""
        links = []
        for fd in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                links.append(str(fd.readlink()))
        return {
            "descriptors": len(links),
            "memfds": sum("memfd:" in link for link in links),
            "threads": len(list(Path(f"/proc/{self.process.pid}/task").iterdir())),
            "processes": len(self.workers()),
        }

    # Peace.

    def _write(self, path, text, limit=STEP):
        """Write, whatever comes of it; ChaosError if nothing does."""
        try:
            with _within(limit), suppress(OSError):
                path.write_text(text)
        except LateError:
            raise ChaosError(f"writing {text!r} to {path} does not end\n{self.tail()}") from None

    def _each(self, pattern, text):
        for path in sorted(self.mount.glob(pattern)):
            self._write(path, text)

    def _stop_all(self):
        """A stop waits for an inline dump, which may have been made just now: it is tried again."""
        self._each("sys/class/devcoredump/devcd*/data", "1")
        for state in sorted(self.mount.glob("sys/class/remoteproc/*/state")):
            with suppress(ChaosError):
                self._write(state, "stop", SHORT)

    def _bind_all(self):
        """Every driver gets back what may be its own; the rest is refused."""
        for bind in sorted(self.mount.glob("sys/bus/platform/drivers/*/bind")):
            for device in sorted(self.mount.glob("sys/bus/platform/devices/*")):
                if not (device / "driver").exists():
                    self._write(bind, device.name)

    def quiet(self):
        """Undo what clients left: no dump, no own processor, everything bound and stopped."""
        self._each("sys/kernel/debug/rproc_sim/*/ctl", "fail_stop 0")
        # First of all: a processor that crashes again and again would make dump after dump.
        self._each("sys/class/remoteproc/*/recovery", "disabled")
        self._each("sys/class/remoteproc/*/coredump", "disabled")
        for _ in range(3):
            self._stop_all()
        self._each("sys/kernel/config/remoteproc/*/live", "0")
        for item in self.mount.glob("sys/kernel/config/remoteproc/*"):
            item.rmdir()
        self._bind_again()
        self._stop_all()

    def _bind_again(self):
        """Each processor is made anew, so that nothing of the chaos remains."""
        for driver in sorted(self.mount.glob("sys/bus/platform/drivers/*")):
            for device in [path.name for path in driver.iterdir() if path.is_symlink()]:
                if device != "module":
                    self._write(driver / "unbind", device)
        self._bind_all()

    def exercise(self):
        """All processors that clients can have run at once, crash and are dumped.

        From here on what is used is what is used: every module is imported, there are never more
        objects at a time, and the kernel log, which keeps 256 KiB of text and its records, is full.
        """
        config = self.mount / "sys/kernel/config/remoteproc"
        for number, compatible in zip(range(ITEMS), cycle(COMPATIBLES), strict=False):
            item = config / f"c{number}"
            item.mkdir()
            self._write(item / "compatible", compatible)
            self._write(item / "live", "1")
        for name, text in (("coredump", "enabled"), ("firmware", "echo.elf"), ("state", "start")):
            self._each(f"sys/class/remoteproc/*/{name}", text)
        self._each("sys/kernel/debug/remoteproc/*/crash", "1")
        self._fill_log()
        self.quiet()

    def _fill_log(self):
        with (self.mount / "dev/kmsg").open("wb", buffering=0) as log:
            for number in range(LOG_LINES):
                log.write(f"chaos: {number}".encode())

    def complaints(self):
        """What its log has that it should not have."""
        text = self.log.read_text(errors="replace")
        text += self._stderr.read_text(errors="replace")
        for word in ("Traceback", "lockdep:", "an operation does not end"):
            where = text.find(word)
            if where >= 0:
                raise ChaosError(f"{self.log}:\n{text[max(0, where - 800) : where + 4000]}")

    def close(self):
        """Unmount; ChaosError if the daemon stays."""
        command = [sys.executable, "-m", "rprocfs", "umount", "-l", self.mount]
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"}
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            where = processes.where(Path(f"/proc/{self.process.pid}"))
            raise ChaosError(
                f"the daemon does not end: {where}\n{done.stderr}{self.tail()}"
            ) from None
        if done.returncode:
            raise ChaosError(f"umount: {done.stderr}")
        if self.process.returncode:
            raise ChaosError(f"the daemon ended with {self.process.returncode}\n{self.tail()}")
        if f" {self.mount} " in Path("/proc/self/mountinfo").read_text():
            raise ChaosError(f"{self.mount} is still mounted")

    def kill(self):
        """After a failure: whatever it takes. Where each thread of the daemon was."""
        workers = self.workers() if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)  # faulthandler tells where all threads are
        self.process.wait()
        for pid in workers:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        print(self._stderr.read_text(errors="replace"), file=sys.stderr)
        subprocess.run(["umount", "-l", self.mount], check=False, stderr=subprocess.DEVNULL)


@contextmanager
def _within(seconds):
    """LateError for what takes longer, if signals interrupt it."""

    def late(_number, _frame):
        raise LateError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
