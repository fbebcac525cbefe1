"""read(2) of nothing from an endpoint takes a message, and waits for one, under rprocfs run."""

import sys

from tests.mount.test_run import R0, any_runner, board, runner  # noqa: F401 - fixtures

SCRIPT = f"""
import os, signal, threading, time
open("{R0}/state", "w").write("start")
while not os.path.exists("/dev/rpmsg0"):
    time.sleep(0.01)
fd = os.open("/dev/rpmsg0", os.O_RDWR)
waits = threading.Event()

def write():
    waits.wait()
    while open(f"/proc/self/task/{{main}}/wchan").read() in ("0", ""):
        time.sleep(0.01)
    os.write(fd, b"first")

main = threading.get_native_id()
threading.Thread(target=write).start()
waits.set()
assert os.read(fd, 0) == b""
os.write(fd, b"second")
assert os.read(fd, 100) == b"second"
os.set_blocking(fd, False)
try:
    os.read(fd, 0)
except BlockingIOError:
    os.set_blocking(fd, True)

class Interrupted(Exception):
    pass

def interrupt(*_):
    raise Interrupted

signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    os.read(fd, 0)
except Interrupted:
    print("interrupted")
"""


def test_it_waits_for_a_message_and_takes_it(any_runner):  # noqa: F811
    done = any_runner.run(sys.executable, "-c", SCRIPT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_who_waits_can_be_killed(runner):  # noqa: F811
    script = f"echo start > {R0}/state; while [ ! -e /dev/rpmsg0 ]; do sleep 0.01; done; "
    script += "timeout -s KILL 0.5 dd if=/dev/rpmsg0 bs=1 count=1 of=/dev/null 2>&1"
    assert runner.run("sh", "-c", script).returncode == 137
