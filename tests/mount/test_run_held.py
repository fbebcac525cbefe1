"""Callers of rprocfs run that point at what never answers: they hold nobody but themselves."""

import os
import select
import signal
import subprocess
import sys

from tests.mount.test_run import board, children, runner  # noqa: F401 - fixtures

#: Mounts a FUSE filesystem that answers nothing, or is asked for memory that never comes, then
#: looks at the board by other processes; all that it started has to end when it is killed.
HUNG = """
import os, struct, subprocess, sys
from rprocfs_fuse.linux import mount
where = sys.argv[1]
fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
os.mkdir(where)
mount("hung", where, 0, "fuse.hung", f"fd={fuse},rootmode=40000,user_id=0,group_id=0")
request = os.read(fuse, 1 << 17)
init = struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 1 << 18, 12, 9, 4096, 1, 0, 0, 0)
os.write(fuse, struct.pack("=Ii", 16 + len(init), 0) + request[8:16] + init)
waits = ["import os, sys; os.statvfs(sys.argv[1])", "import os, sys; os.stat(sys.argv[1])"]
hung = [
    subprocess.Popen([sys.executable, "-c", text, f"{where}/{name}"], stderr=subprocess.DEVNULL)
    for name, text in enumerate(waits * 2)
]
for _ in hung:
    while struct.unpack_from("=I", os.read(fuse, 1 << 17), 4)[0] == 36:
        pass
others = "import os; print(os.statvfs('/sys/class').f_bsize, os.isatty(0))"
for _ in range(3):
    subprocess.run([sys.executable, "-c", others], check=True, timeout=50)
statfs = hung[::2]
for process in statfs:
    process.kill()
print([process.wait(50) for process in statfs])
os.close(fuse)
for process in hung[1::2]:
    process.kill()
    process.wait(50)
"""


def _run(runner, script, *arguments):  # noqa: F811
    return runner.run(sys.executable, "-c", script, *arguments, stdin=subprocess.DEVNULL)


def test_a_filesystem_that_hangs_below_dev(runner):  # noqa: F811
    done = _run(runner, HUNG, "/dev/hung")
    assert (done.stdout, done.stderr) == ("4096 False\n" * 3 + "[-9, -9]\n", "")


def test_a_filesystem_that_hangs_elsewhere(runner, tmp_path):  # noqa: F811
    done = _run(runner, HUNG, str(tmp_path / "hung"))
    assert (done.stdout, done.stderr) == ("4096 False\n" * 3 + "[-9, -9]\n", "")


#: A path in a page that nobody provides.
FAULT = """
import ctypes, fcntl, mmap, os, platform, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
number, statfs = {"x86_64": (323, 137), "aarch64": (282, 43)}[platform.machine()]
page = mmap.PAGESIZE
area = mmap.mmap(-1, page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
where = ctypes.addressof(ctypes.c_char.from_buffer(area))
faults = libc.syscall(number, os.O_CLOEXEC)
if faults < 0:
    print("none to be had")
    sys.exit()
fcntl.ioctl(faults, 0xC018AA3F, struct.pack("=QQQ", 0xAA, 0, 0))
fcntl.ioctl(faults, 0xC020AA00, bytearray(struct.pack("=QQQQ", where, page, 1, 0)))
pid = os.fork()
if not pid:
    sys.exit(0)
os.waitpid(pid, 0)
import threading
threading.Thread(
    target=lambda: libc.syscall(statfs, ctypes.c_size_t(where), ctypes.create_string_buffer(120)),
    daemon=True,
).start()
os.read(faults, 32)  # the supervisor touched it
others = "import os; print(os.statvfs('/sys/class').f_bsize, os.isatty(0))"
subprocess.run([sys.executable, "-c", others], check=True, timeout=50)
"""


def test_memory_that_never_comes(runner):  # noqa: F811
    done = _run(runner, FAULT)
    assert done.returncode == 0, done.stderr
    assert done.stdout in ("4096 False\n", "none to be had\n"), done.stderr


#: A terminal's ioctl whose memory is a page of our kernel log, which has nothing to read.
OWN_PAGE = """
import ctypes, fcntl, glob, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
with open("/sys/class/remoteproc/remoteproc0/state", "w") as state:
    state.write("start")
while not (found := glob.glob("/dev/ttyRPMSG*")):
    time.sleep(0.01)
tty = os.open(found[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
os.lseek(log, 0, os.SEEK_END)  # and has a size from now on
page = libc.mmap(None, 4096, 3, 2, log, 4096)
libc.madvise(ctypes.c_void_p(page), 4096, 1)
while True:
    try:
        os.read(log, 8192)
    except BlockingIOError:
        break
fcntl.fcntl(log, fcntl.F_SETFL, 0)
os.lseek(log, 0, os.SEEK_END)
pid = os.fork()
if not pid:
    os._exit(libc.ioctl(tty, 0x5401, ctypes.c_void_p(page)) != 0)
while open(f"/proc/{pid}/syscall").read().split()[0] not in ("16", "29"):
    pass
time.sleep(0.5)
print("ready", flush=True)
if sys.argv[1:]:
    print(os.waitpid(pid, os.WNOHANG)[0])
    os.kill(pid, signal.SIGKILL)
    signal.alarm(50)
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
else:
    os.waitpid(pid, 0)
"""


def test_a_caller_whose_memory_waits_for_us_can_be_killed(runner):  # noqa: F811
    done = _run(runner, OWN_PAGE, "kill")
    assert (done.stdout, done.stderr) == ("ready\n0\n9\n", "")


def test_a_daemon_that_would_wait_for_itself_can_be_killed(runner):  # noqa: F811
    process = runner.start(sys.executable, "-c", OWN_PAGE)
    daemon = next(pid for pid in children(process.pid) if os.getsid(pid) == pid)
    gone = os.pidfd_open(daemon)
    os.kill(daemon, signal.SIGKILL)
    assert select.select([gone], [], [], 60)[0]
    os.close(gone)
    assert "died of signal 9" in process.communicate(timeout=60)[1]


#: Looks at a device once a file is there.
LATER = """
import os, stat, sys
log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    pass
print(stat.S_ISREG(os.fstat(log).st_mode), len(os.read(log, 8192)) > 0)
"""


def test_what_touches_the_memory_may_be_killed(runner, tmp_path):  # noqa: F811
    process = runner.start(sys.executable, "-c", LATER, str(tmp_path / "go"))
    daemon = next(pid for pid in children(process.pid) if os.getsid(pid) == pid)
    memory = os.pidfd_open(min(children(daemon)))
    signal.pidfd_send_signal(memory, signal.SIGKILL)
    assert select.select([memory], [], [], 60)[0]
    os.close(memory)
    (tmp_path / "go").touch()
    assert process.communicate(timeout=60) == ("True True\n", "")
