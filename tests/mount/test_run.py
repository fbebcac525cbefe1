"""rprocfs run, as a user types it."""

import contextlib
import errno
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.testing.images import IMAGES
from tests.mount.conftest import UNPRIVILEGED, needs, needs_run

ROOT = Path(__file__).parents[2]
R0 = "/sys/class/remoteproc/remoteproc0"
BOARD = """
firmware-directory = "firmware"

[[remoteproc]]
compatible = "rprocfs,sim"
firmware-name = "good.elf"
services = "rpmsg-raw@1024 rpmsg-tty@1025"

[[remoteproc]]
compatible = "rprocfs,sim"
"""


class Runner:
    """Runs commands on a board; *before* is put in front of rprocfs."""

    def __init__(self, board, before=()):
        self.board = board
        self.before = before
        self.options = []

    def argv(self, *command):
        words = [*self.before, sys.executable, "-m", "rprocfs", "run", "--board", self.board]
        return [*map(str, words), *self.options, "--", *command]

    def run(self, *command, **how):
        how = {"capture_output": True, "text": True, "timeout": 60, **how}
        return subprocess.run(self.argv(*command), env=environment(), check=False, **how)

    def sh(self, script):
        """The output of a script that must succeed and say nothing on stderr."""
        done = self.run("sh", "-ec", script)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def start(self, *command):
        """A command that goes on; it prints `ready` first."""
        process = subprocess.Popen(
            self.argv(*command), env=environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        return process


def environment():
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}", "LC_ALL": "C"}


@pytest.fixture
def board(tmp_path):
    needs_run()
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "good.elf").write_bytes(IMAGES["good.elf"].make())
    (tmp_path / "board.toml").write_text(BOARD)
    return tmp_path / "board.toml"


@pytest.fixture
def runner(board):
    return Runner(board)


@pytest.fixture(params=["root", "user namespace", "fusepy"])
def any_runner(request, runner):
    if request.param == "user namespace":
        needs("setpriv")
        runner.before = UNPRIVILEGED
    elif request.param == "fusepy":
        runner.options = ["-o", "transport=fusepy"]
    return runner


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended
            found += (task / "children").read_text().split()
    return [int(word) for word in found]


def roles(process):
    """The daemon, which has a session of its own, the init, and the command."""
    found = {os.getsid(pid) == pid: pid for pid in children(process.pid)}
    (command,) = children(found[False])
    return {
        "parent": process.pid, "daemon": found[True], "init": found[False], "command": command,
    }  # fmt: skip


def gone(pid):
    """Has the process ended; whose child it was may not know yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# What it sees.


def test_the_board_and_the_rest_of_the_machine(any_runner):
    out = any_runner.sh(
        f"""ls /sys/class/remoteproc; cat {R0}/state
        ls /sys/bus/rpmsg/drivers | tr '\\n' ' '; echo
        ls /sys/bus/virtio/devices /sys/bus/rpmsg/devices /sys/class/rpmsg | grep -c . || :
        ls /lib/firmware; cat /sys/module/firmware_class/parameters/path
        echo gone > /dev/null; head -c 4 /dev/zero | od -An -tx1
        cd /sys/class/remoteproc/remoteproc0; cat ../../modalias"""
    )
    assert out.splitlines() == [
        "remoteproc0",
        "remoteproc1",
        "offline",
        "rpmsg_chrdev rpmsg_ctrl rpmsg_ns rpmsg_tty ",
        "3",
        "good.elf",
        "",
        " 00 00 00 00",
        "platform:rproc-sim",
    ]
    for path in ("/sys/class/net", "/sys/class/tty", "/sys/block", "/dev"):
        mine = {"kmsg", "ptmx"}
        assert set(any_runner.sh(f"ls {path}").split()) >= set(os.listdir(path)) - mine


def test_nodes_come_and_go_while_it_runs(any_runner):
    out = any_runner.sh(
        f"""echo start > {R0}/state
        until [ -e /dev/rpmsg0 ] && [ -e /dev/ttyRPMSG0 ]; do sleep 0.01; done
        ls /dev | grep -i rpmsg; ls /sys/bus/rpmsg/devices; ls /sys/class/tty | grep RPMSG
        exec 3<>/dev/rpmsg0; echo hi >&3; head -n1 <&3; exec 3<&-
        echo stop > {R0}/state; ls /dev | grep -ic rpmsg || :"""
    )
    assert out.split() == [
        "rpmsg0", "rpmsg_ctrl0", "ttyRPMSG0",
        "virtio0.rpmsg-raw.-1.1024", "virtio0.rpmsg-tty.-1.1025",
        "virtio0.rpmsg_ctrl.0.0", "virtio0.rpmsg_ns.53.53",
        "ttyRPMSG0", "hi", "0",
    ]  # fmt: skip


def test_devices_are_devices(any_runner):
    out = any_runner.sh(
        f"""echo start > {R0}/state
        until [ -e /dev/rpmsg0 ]; do sleep 0.01; done
        for f in /dev/rpmsg0 /dev/rpmsg_ctrl0 /dev/remoteproc0 /dev/kmsg /dev/null; do
            [ -c $f ] && echo $f; done
        [ -f {R0}/state ] && echo file; cd /dev; stat -c '%F %a %t:%T' ./kmsg
        {sys.executable} -c 'import os, stat
fd = os.open("rpmsg0", os.O_RDWR); print(stat.S_ISCHR(os.fstat(fd).st_mode))'"""
    )
    assert out.splitlines() == [
        "/dev/rpmsg0", "/dev/rpmsg_ctrl0", "/dev/remoteproc0", "/dev/kmsg", "/dev/null",
        "file", "character special file 644 1:b", "True",
    ]  # fmt: skip


def test_devices_are_files_for_who_wants_speed(runner):
    runner.options = ["--no-devices"]
    out = runner.sh("""for f in /dev/kmsg /dev/null; do [ -c $f ] && echo device $f; done
        [ -f /dev/kmsg ] && echo file; dmesg -S -t > /dev/null && echo log""")
    assert out.splitlines() == ["device /dev/null", "file", "log"]


def test_an_open_device_stays_one_when_its_name_is_used_again(any_runner):
    fstat = f"{sys.executable} -c 'import os, stat; print(stat.S_ISCHR(os.fstat(3).st_mode))'"
    out = any_runner.sh(
        f"""exec 3<>/dev/remoteproc0; {fstat}; ls -l /dev/remoteproc0 >/dev/null; {fstat}"""
    )
    assert out.split() == ["True", "True"]


def test_terminals_are_terminals(any_runner):
    out = any_runner.sh(
        f"""echo start > {R0}/state
        until [ -e /dev/ttyRPMSG0 ]; do sleep 0.01; done
        tty="stty -F /dev/ttyRPMSG0"; $tty raw -echo; $tty -a | grep -o -e '-icanon' -e '-echo '
        $tty rows 40 columns 90; $tty size
        exec 3<>/dev/ttyRPMSG0; [ -t 3 ] && echo terminal; printf hello >&3; head -c 5 <&3"""
    )
    assert out.split() == ["-icanon", "-echo", "40", "90", "terminal", "hello"]


def test_new_pseudo_terminals(any_runner):
    script = "import os, pty; print(os.isatty(pty.openpty()[1]))"
    assert any_runner.run(sys.executable, "-c", script).stdout == "True\n"


def test_the_working_directory_is_kept(runner, tmp_path):
    assert runner.run("pwd", cwd=tmp_path).stdout == f"{tmp_path}\n"
    script = "pwd; ls -d remoteproc/remoteproc0"
    out = runner.run("sh", "-c", script, cwd="/sys/class").stdout
    assert out.split() == ["/sys/class", "remoteproc/remoteproc0"]


def covered():
    """What is mounted where a board covers; elsewhere others may mount and unmount meanwhile."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if line.split()[4].split("/")[1] in ("", "sys", "dev", "lib")]


def test_nothing_is_seen_from_outside(runner):
    before = covered()
    assert before
    process = runner.start("sh", "-c", "echo ready; exec sleep 60")
    assert covered() == before
    assert not os.path.exists(R0)
    process.terminate()
    process.communicate()
    assert covered() == before


def test_the_built_in_board(runner):
    argv = runner.argv("cat", f"{R0}/name", "/sys/class/remoteproc/remoteproc1/name")
    del argv[argv.index("--board") : argv.index("--")]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("m4\nsim\n", "")


def test_it_is_strict_and_answers_as_the_kernel_that_is_asked_for(runner):
    runner.options = ["-o", "kernel=6.1"]
    out = runner.sh(
        f"""echo start > {R0}/state; until [ -e /dev/rpmsg0 ]; do sleep 0.01; done
        ls /sys/bus/rpmsg/devices/virtio0.rpmsg-raw.-1.1024 | grep -c endpoint || :
        echo none > {R0}/firmware 2>/dev/null || echo busy"""
    )
    assert out.split() == ["0", "busy"]


#: Calls with a buffer that the caller may not write to, may not read, or that is half there.
PROTECTED = """
import ctypes, errno, mmap, os, struct
from rprocfs_fuse.run import seccomp
libc, page = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE
libc.mmap.restype = ctypes.c_size_t
libc.mmap.argtypes = [ctypes.c_size_t] * 2 + [ctypes.c_int] * 3 + [ctypes.c_long]
number = seccomp.native()[1]
def pages(protection, count=1):
    return libc.mmap(0, count * page, protection, 0x22, -1, 0)
def call(name, *words):
    result = libc.syscall(number[name], *map(ctypes.c_size_t, words))
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
readable, nothing, both = pages(1), pages(0), pages(3, 2)
libc.mprotect(ctypes.c_size_t(both + page), page, 0)
name = ctypes.create_string_buffer(b"/dev/kmsg")
path, here = ctypes.addressof(name), ctypes.c_size_t(-100).value
fd = os.open("/dev/ttyRPMSG0", os.O_RDWR)
for where in (readable, nothing, both + page - 8):
    print(call("newfstatat", here, path, where, 0), call("statx", here, path, 0, 0x7ff, where),
          call("newfstatat", fd, path + 9, where, 0x1000), call("syslog", 3, where, 4096),
          call("ioctl", fd, 0x5401, where))
print(ctypes.string_at(readable, page) == bytes(page))
print(call("newfstatat", here, nothing, path, 0), call("ioctl", fd, 0x5402, nothing))
ctypes.memmove(both + page - 10, b"/dev/kmsg", 10)
out = ctypes.create_string_buffer(256)
print(call("newfstatat", here, both + page - 10, ctypes.addressof(out), 0), oct(max(
    struct.unpack_from("=I", out, 24)[0], struct.unpack_from("=I", out, 16)[0])))
"""


def test_no_page_is_written_or_read_that_the_caller_may_not(any_runner, tmp_path):
    script = tmp_path / "protected.py"
    script.write_text(PROTECTED)
    out = any_runner.sh(
        f"""echo start > {R0}/state; until [ -e /dev/ttyRPMSG0 ]; do sleep 0.01; done
        {sys.executable} {script}"""
    )
    *protected, unchanged, unread, half = out.splitlines()
    assert protected == ["EFAULT EFAULT EFAULT EFAULT EFAULT"] * 3
    assert unchanged == "True"
    assert unread == "EFAULT EFAULT"
    assert half == "done 0o20644"


# The kernel log.


def test_dmesg(any_runner):
    needs("dmesg")
    script = f"""dmesg -C; dmesg -S; echo start > {R0}/state
        until [ -e /dev/ttyRPMSG0 ]; do sleep 0.01; done; dmesg -t | grep -c 'powering up sim0'
        dmesg -S -t -c | tail -n 1; dmesg -S; echo '<3>from a script' > /dev/kmsg
        dmesg -S -r | cut -c 1-4; dmesg -t -l err; dmesg -n 3"""
    assert any_runner.sh(script).splitlines() == [
        "1",
        "virtio_rpmsg_bus virtio0: creating channel rpmsg-tty addr 0x401",
        "<11>",
        "from a script",
    ]


def test_the_log_is_roots_to_clear_and_everybodys_to_read(runner):
    needs("dmesg")
    needs("setpriv")
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    out = runner.sh(
        f"""echo start > {R0}/state
        for how in -C '-n 3' -D; do {nobody} dmesg -S $how 2>&1 | tail -n 1; done
        {nobody} dmesg -S -t | grep -c 'powering up sim0'"""
    )
    *refused, seen = out.splitlines()
    assert seen == "1"
    assert len(refused) == 3
    assert all("Operation not permitted" in line for line in refused), refused


def test_the_root_of_a_namespace_below_may_no_more_than_its_user(runner):
    """Anybody may make one, and has every capability in there: capable() asks outside."""
    needs("dmesg")
    needs("unshare")
    needs("setpriv")
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Ur"
    out = runner.sh(
        f"""echo start > {R0}/state
        {nobody} dmesg -S -C 2>&1 | tail -n 1
        {nobody} mount -i -t debugfs none /sys/kernel/debug 2>/dev/null || echo refused
        dmesg -S -t | grep -c 'powering up sim0'"""
    )
    said, refused, seen = out.splitlines()
    assert "Operation not permitted" in said
    assert (refused, seen) == ("refused", "1")


def test_dmesg_follows(runner):
    needs("dmesg")
    process = runner.start(
        "sh", "-c", "dmesg -C; echo ready; exec 3>/dev/kmsg; echo one >&3; dmesg -w -t"
    )
    assert process.stdout.readline() == "one\n"
    process.terminate()
    process.communicate()


def test_syslog_of_another_dmesg(any_runner):
    needs("busybox")
    script = f"""busybox dmesg -c > /dev/null; echo start > {R0}/state
        busybox dmesg | grep -c 'powering up sim0'; busybox dmesg -c > /dev/null; busybox dmesg"""
    lines = any_runner.sh(script).splitlines()
    assert lines[0] == "1"
    assert not [line for line in lines[1:] if "creating channel" not in line]


# How it ends.


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_the_exit_status_is_the_commands(runner, status):
    assert runner.run("sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "INT", "PIPE"])
def test_it_dies_of_the_signal_that_killed_the_command(runner, name):
    assert runner.run("sh", "-c", f"kill -{name} $$").returncode == -getattr(signal, f"SIG{name}")


@pytest.mark.parametrize(
    ("command", "status", "text"),
    [
        (("no-such-program",), 127, "no-such-program: No such file or directory"),
        (("/etc/passwd",), 126, "/etc/passwd: Permission denied"),
        (("/etc",), 126, "/etc: Permission denied"),
    ],
)
def test_commands_that_cannot_be_run(runner, command, status, text):
    done = runner.run(*command)
    assert (done.returncode, done.stderr) == (status, f"rprocfs: {text}\n")


def test_a_script_without_an_interpreter_is_the_shells(runner, tmp_path):
    script = tmp_path / "script"
    script.write_text('echo "$1"\n')
    script.chmod(0o755)
    assert runner.run(str(script), "given").stdout == "given\n"


def test_wrong_usage(runner):
    for options, status, text in (
        (["-o", "kernel=1.0"], 2, "kernel=1.0: unknown, there are 6.1, "),
        (["-o", "nonsense"], 2, "unknown option nonsense"),
        (["--board", "/no/such"], 1, "/no/such: No such file or directory"),
    ):
        runner.options = options
        done = runner.run("true")
        assert done.returncode == status
        assert text in done.stderr.splitlines()[-1]
    argv = runner.argv()
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("usage: rprocfs run")) == (2, 1)


def test_signals_are_handed_on(runner):
    process = runner.start(
        "sh", "-c", "trap 'echo hup' HUP; trap 'echo term; exit 3' TERM; echo ready\n"
        "while :; do sleep 0.05; done",
    )  # fmt: skip
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "hup\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate() == ("term\n", "")
    assert process.returncode == 3


@pytest.mark.parametrize("victim", ["parent", "daemon", "init", "command"])
def test_nothing_is_left_when_one_is_killed(any_runner, victim):
    process = any_runner.start(
        "sh", "-c", f"sleep 60 & setsid sleep 60 & echo ready; cat {R0}/state > /dev/null; wait"
    )
    found = roles(process)
    wait_until(lambda: len(children(found["command"])) == 2)
    everyone = [*found.values(), *children(found["command"])]
    os.kill(found[victim], signal.SIGKILL)
    if victim == "daemon":
        time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):  # it ended without its /dev/null
            os.kill(found["command"], signal.SIGTERM)
    process.communicate(timeout=20)
    wait_until(lambda: all(map(gone, everyone)))


#: A user namespace in which there is no PID namespace to be had.
NO_PID_NAMESPACE = [
    "unshare", "-Ur", "sh", "-c",
    'echo 0 > /proc/sys/user/max_pid_namespaces; exec "$@"', "sh",
]  # fmt: skip


@pytest.fixture(params=["root", "user namespace", "no PID namespace"])
def kept_runner(request, runner):
    needs("unshare")
    before = {"user namespace": UNPRIVILEGED, "no PID namespace": NO_PID_NAMESPACE}
    runner.before = before.get(request.param, [])
    return runner


HIDDEN = {
    "in a mount namespace": "setsid unshare -m sleep 600 &",
    "by a double fork": "(setsid sh -c 'sleep 600 & sleep 600 &' &);",
    "in a user namespace": "setsid unshare -Ur unshare -mn sleep 600 &",
    "deaf": "setsid sh -c 'trap : TERM HUP INT; while :; do sleep 1; done' &",
}


@pytest.mark.parametrize("how", HIDDEN.values(), ids=HIDDEN)
def test_nothing_escapes(kept_runner, how, tmp_path):
    """A process inherits a lock, which the last one that has it releases."""
    lock = tmp_path / "lock"
    done = kept_runner.run("sh", "-c", f"exec 9>{lock}; flock 9; {how} sleep 0.3; exit 6")
    assert done.returncode == 6
    assert subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0


def test_numbers_of_processes_are_one_and_the_same(kept_runner):
    out = kept_runner.sh(
        f"""echo $$; cut -d' ' -f1 /proc/self/stat > /dev/null
        {sys.executable} -c 'import os; print(os.getppid(), os.readlink("/proc/self") ==
        str(os.getpid()), os.path.exists(f"/proc/{{os.getppid()}}/stat"))'
        sleep 60 & kill $!; wait $! 2> /dev/null || echo killed $?"""
    )
    shell, parent, same, seen, *killed = out.split()
    assert shell == parent
    assert (same, seen) == ("True", "True")
    assert killed == ["killed", "143"]


def test_the_terminal_is_its_callers_again(runner):
    """A shell that had it took the group of its caller for that of nobody."""
    needs("bash")
    pid, fd = pty.fork()
    if pid == 0:
        words = runner.argv("bash", "--norc", "--noprofile", "-i")
        script = '"$@"; echo back $?; read line; echo "got $line"'
        os.execvpe("sh", ["sh", "-c", script, "sh", *words], {**environment(), "PS1": "$ "})
    try:
        _type(fd, "", "$ ")
        _type(fd, "exit 7\n", "back 7")
        _type(fd, "word\n", "got word")
        os.waitpid(pid, 0)
    finally:
        os.close(fd)


def test_the_command_goes_on_without_the_daemon(runner):
    process = runner.start(
        "sh", "-c", f"echo ready; read line < {runner.board}; "
        f"until ! [ -e {R0} ]; do sleep 0.02; done; "
        f"cat {R0}/state; ls /sys/class/net > /dev/null && echo net; echo end",
    )  # fmt: skip
    os.kill(roles(process)["daemon"], signal.SIGKILL)
    out, err = process.communicate(timeout=20)
    assert out.split() == ["net", "end"]
    assert "rprocfs: the daemon died of signal 9: its files answer no more\n" in err
    assert "endpoint is not connected" in err


def test_a_reader_that_waits_is_ended_with_the_rest(runner):
    process = runner.start(
        "sh", "-c", f"echo start > {R0}/state; until [ -e /dev/rpmsg0 ]; do sleep 0.01; done\n"
        "cat /dev/rpmsg0 & echo ready; wait",
    )  # fmt: skip
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM


def test_an_interactive_terminal(runner):
    """Ctrl-C goes to what runs in the foreground, Ctrl-Z stops it, and bash goes on."""
    needs("bash")
    pid, fd = pty.fork()
    if pid == 0:
        command = runner.argv("bash", "--norc", "--noprofile", "-i")
        os.execvpe(command[0], command, {**environment(), "PS1": "$ ", "TERM": "dumb"})
    try:
        _type(fd, "", "$ ")
        _type(fd, "echo go; cat\n", "\r\ngo\r\n")
        _type(fd, "twice\n", "twice\r\ntwice")
        _type(fd, "\x03", "$ ")
        _type(fd, "echo go; sleep 60\n", "\r\ngo\r\n")
        time.sleep(0.3)
        _type(fd, "\x1a", "Stopped")
        _type(fd, "kill %1; tty | sed s/pts/PTS/\n", "/dev/PTS/")
        _type(fd, "exit 7\n", "exit")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 7
    finally:
        os.close(fd)


def _type(fd, text, expected):
    os.write(fd, text.encode())
    seen, deadline = b"", time.monotonic() + 20
    while expected.encode() not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([fd], [], [], 0.2)[0]:
            seen += os.read(fd, 4096)


def test_it_stops_and_goes_on_with_its_command(runner):
    process = runner.start("sh", "-c", "echo ready; kill -STOP $$; echo on")
    wait_until(lambda: _state(process.pid) == "T")
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=10) == ("on\n", "")


def _state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# Users.


def test_a_user_is_root_of_a_namespace_of_its_own(runner):
    needs("setpriv")
    runner.before = [*UNPRIVILEGED]
    out = runner.sh("id -u; cat /proc/self/uid_map | tr -s ' '")
    assert out.split() == ["0", "0", "0", "1"]


def test_a_package_that_the_mapped_root_cannot_read(runner, tmp_path):
    needs("setpriv")
    shutil.copytree(ROOT / "rprocfs", tmp_path / "private/rprocfs")
    os.chmod(tmp_path / "private", 0o700)
    os.chown(tmp_path / "private", 12345, 12345)
    runner.before = [*UNPRIVILEGED]
    where = {"PYTHONPATH": f"{tmp_path}/private:{ROOT}:{ROOT / 'mount'}"}
    done = subprocess.run(
        runner.argv("true"), env=os.environ | where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"rprocfs: {tmp_path}/private: not readable for root of a user namespace: "
        "let others read it, or run with CAP_SYS_ADMIN\n"
    )


def test_no_user_namespaces_is_one_line(runner):
    needs("setpriv")
    needs("unshare")
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    runner.before = ["unshare", "-U", "-r", "sh", "-c", script, "sh", *UNPRIVILEGED]
    done = runner.run("true")
    assert done.returncode == 1
    assert done.stderr.startswith("rprocfs: not allowed to mount: that takes CAP_SYS_ADMIN ")
    assert done.stderr.count("\n") == 1


# Events.

LISTENER = """
import socket, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
s.bind((0, 1))
print("ready", flush=True)
while True:
    fields = s.recv(8192).decode().split("\\0")
    if "rpmsg" in fields[0] or "remoteproc" in fields[0]:
        keys = dict(field.split("=", 1) for field in fields[1:] if field)
        print(keys["ACTION"], keys["DEVPATH"].rpartition("/")[2], keys["SEQNUM"].isdecimal())
        sys.stdout.flush()
        if keys.get("DEVNAME") == "rpmsg0":
            break
"""


def test_events_reach_every_listener(any_runner):
    any_runner.options = [*any_runner.options, "--uevents"]
    script = f"{sys.executable} -c '{LISTENER}' | while read a b c; do echo $a $b $c\n"
    script += f"[ $a = ready ] && echo start > {R0}/state; done; :"
    out = any_runner.run("sh", "-c", script).stdout.splitlines()
    assert out[0].strip() == "ready"
    assert "add virtio0.rpmsg_ctrl.0.0 True" in out
    assert "bind virtio0.rpmsg_ns.53.53 True" in out
    assert out[-1] == "add rpmsg0 True"


def test_there_is_a_loopback(runner):
    runner.options = ["--uevents"]
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    script += "socket.create_connection(s.getsockname()).close(); print('connected')"
    assert runner.run(sys.executable, "-c", script).stdout == "connected\n"


# How it was started.


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_the_commands_too(runner, tmp_path, closed):
    seen = tmp_path / "seen"
    script = f"for n in 0 1 2; do [ -e /proc/self/fd/$n ] && echo $n >> {seen}; done; true"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *runner.argv("sh", "-c", script)],
        env=environment(), capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    closed_ones = {"<": "0", ">": "1", "2": "2"}
    expected = {"0", "1", "2"} - {closed_ones[word[0]] for word in closed.split()}
    assert set(seen.read_text().split() if seen.exists() else []) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_preparation_ends_it_without_a_word(runner, tmp_path, number):
    ran = tmp_path / "ran"
    fifo = tmp_path / "loading"
    os.mkfifo(fifo)
    board = runner.board.read_text()
    runner.board = fifo  # the daemon reads it as long as we want
    process = subprocess.Popen(
        runner.argv("touch", str(ran)), env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with fifo.open("w") as opened:
        os.killpg(process.pid, number)
        if number != signal.SIGTERM:  # which ends it also while the daemon waits
            opened.write(board)
            opened.close()
        wait_until(lambda: process.poll() is not None, 60)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (-number, "", "")
    assert not ran.exists()


def test_uname_says_the_version_of_the_boards_kernel(runner):
    runner.options = ["--uname", "-o", "kernel=6.12.107"]
    said = runner.sh("uname -r; cut -d' ' -f1-3 /proc/version; cat /proc/sys/kernel/osrelease")
    assert said.splitlines() == ["6.12.107", "Linux version 6.12.107", "6.12.107"]
    runner.options = ["-o", "kernel=6.12.107"]
    assert runner.sh("uname -r").strip() == os.uname().release


START_ECHO = "echo start > /sys/class/remoteproc/remoteproc0/state"
ENDPOINT_FD = """
import fcntl, os, struct
info = struct.Struct("=32sIIIi")
ctrl = os.open("/dev/rpmsg_ctrl0", os.O_RDWR)
def create(src, dst, flags):
    buffer = bytearray(info.pack(b"mine", src, dst, flags, -1))
    fcntl.ioctl(ctrl, 0xC030B507, buffer)
    return info.unpack(buffer)[4]
fd = create(0x500, 0x400, os.O_RDWR | os.O_CLOEXEC)
print(os.get_inheritable(fd), os.write(fd, b"hello"), os.read(fd, 100))
other = create(0xFFFFFFFF, 0x400, os.O_RDONLY | os.O_NONBLOCK)
for attempt in (
    lambda: os.read(other, 1), lambda: os.write(other, b"x"), lambda: create(0x500, 1, 2)
):
    try:
        attempt()
    except OSError as failure:
        print(failure.errno)
print(sorted(os.listdir("/sys/class/rpmsg")))
fcntl.ioctl(fd, 0xB502)
try:
    os.read(fd, 1)
except OSError as failure:
    print(failure.errno)
"""


def test_an_ioctl_that_opens_a_file(any_runner):
    any_runner.options += ["-o", "kernel=next"]
    said = any_runner.sh(f"{START_ECHO}; exec python3 - <<'END'\n{ENDPOINT_FD}\nEND")
    assert said.splitlines() == [
        "False 5 b'hello'",
        str(errno.EAGAIN),
        str(errno.EBADF),
        str(errno.EINVAL),
        "['rpmsg0', 'rpmsg_ctrl0']",
        str(errno.EPIPE),
    ]
