"""``rprocfs mount`` and ``rprocfs umount``, as they are typed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.cli import main
from rprocfs.fs.kernfs import Tree
from rprocfs_fuse.command.options import Options
from rprocfs_fuse.mounted import MountOptions
from rprocfs_fuse.mountpoint import find_mount
from rprocfs_fuse.transport import mount
from tests.mount.conftest import needs, needs_user_namespaces

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"}
COMMAND = [sys.executable, "-m", "rprocfs"]
BOARD = """
[[remoteproc]]
label = "sim"
compatible = "rprocfs,sim"
"""


def rprocfs(*words, **kwargs):
    """The finished command: its status and one line of stderr."""
    done = subprocess.run(
        [*COMMAND, *words],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **kwargs,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def daemon_of(mountpoint):
    """The process that serves a mount: the one with this directory in its command line."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(mountpoint) in words and b"mount" in words:
            return int(entry.name)
    return None


@pytest.fixture
def board(tmp_path):
    file = tmp_path / "board.toml"
    file.write_text(BOARD)
    return str(file)


@pytest.fixture(params=["devfuse", "fusepy"])
def served(request, mountpoint, board):
    """A mounted board; unmounted at the end unless the test did."""
    options = f"transport={request.param}"
    assert rprocfs("mount", "-o", options, "--board", board, str(mountpoint)) == (0, "")
    yield mountpoint
    if find_mount(str(mountpoint)):
        rprocfs("umount", "-l", str(mountpoint))
    until(lambda: daemon_of(mountpoint) is None)


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("options", ["rw,nosuid", "transport=fusepy", "strict,kernel=6.1"])
def test_mount_and_umount(mountpoint, board, options):
    assert rprocfs("mount", "-o", options, "--board", board, str(mountpoint)) == (0, "")
    assert (mountpoint / "sys/class/remoteproc/remoteproc0/name").read_text() == "sim\n"
    daemon = daemon_of(mountpoint)
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    assert {os.readlink(f"/proc/{daemon}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    assert os.getsid(daemon) == daemon
    assert rprocfs("umount", str(mountpoint)) == (0, "")
    assert not os.path.exists(f"/proc/{daemon}/fd/0")
    assert find_mount(str(mountpoint)) is None


def test_relative_paths(tmp_path, mountpoint, board):
    where = {"cwd": tmp_path}
    assert rprocfs("mount", "--board", "board.toml", "-o", "log=x.log", "mnt", **where) == (0, "")
    assert (mountpoint / "sys").is_dir()
    assert rprocfs("umount", "mnt", **where) == (0, "")
    assert (tmp_path / "x.log").exists()


def test_boards_by_name(mountpoint):
    status, text = rprocfs("mount", "--board", "stm32mp175", str(mountpoint))
    assert (status, "did you mean the board stm32mp157?" in text) == (1, True)
    assert rprocfs("mount", "--board", "stm32mp157", str(mountpoint)) == (0, "")
    assert (mountpoint / "sys/class/remoteproc/remoteproc0/name").read_text() == "m4\n"
    assert rprocfs("umount", str(mountpoint)) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_foreground_and_signals(mountpoint, board, number):
    command = [*COMMAND, "mount", "-f", "--board", board, mountpoint]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        until(lambda: find_mount(str(mountpoint)))
        with open(mountpoint / "sys/class/remoteproc/remoteproc0/state") as file:
            process.send_signal(number)
            _, log = process.communicate(timeout=10)
            with pytest.raises(OSError):
                file.read()
    assert process.returncode == 0
    assert b"Traceback" not in log
    assert find_mount(str(mountpoint)) is None


def test_umount_by_umount(served):
    daemon = daemon_of(served)
    subprocess.run(["umount", served], check=True)
    until(lambda: not os.path.exists(f"/proc/{daemon}/fd/0"))


def test_busy(served):
    fd = os.open(served / "sys/class/remoteproc/remoteproc0/state", os.O_RDONLY)
    try:
        assert rprocfs("umount", str(served)) == (1, f"rprocfs: {served}: target is busy\n")
        assert rprocfs("umount", "--lazy", str(served)) == (0, "")
        assert find_mount(str(served)) is None
    finally:
        with contextlib.suppress(OSError):  # where close(2) makes a request of its own
            os.close(fd)


def test_lazily_while_someone_waits(served):
    """The daemon ends, and who waits is told; nothing stays for the sake of a blocked reader."""
    daemon = daemon_of(served)
    with subprocess.Popen(["cat", served / "dev/kmsg"], stdout=subprocess.PIPE) as reader:
        assert reader.stdout.read(1)
        assert rprocfs("umount", "--lazy", str(served)) == (0, "")
        until(lambda: not os.path.exists(f"/proc/{daemon}/fd/0"))
        reader.communicate(timeout=10)
    assert reader.returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the process of another user")
def test_a_filesystem_cannot_name_the_process_of_another_user(mountpoint):
    """Else a user's filesystem that says it is ours would choose whom root ends."""
    victim = subprocess.Popen(["sleep", "60"], user=65534, start_new_session=True)
    try:
        with mount(Tree(), mountpoint, MountOptions(daemon=victim.pid)):
            assert rprocfs("umount", "--lazy", str(mountpoint)) == (0, "")
            assert find_mount(str(mountpoint)) is None
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_mounted_already(served, board):
    text = f"rprocfs: {served}: already mounted, see rprocfs umount\n"
    assert rprocfs("mount", "--board", board, str(served)) == (1, text)


def test_a_daemon_that_was_killed(served, board):
    os.kill(daemon_of(served), signal.SIGKILL)
    until(lambda: daemon_of(served) is None)
    with pytest.raises(OSError):
        os.listdir(served)
    assert rprocfs("mount", "--board", board, str(served)) == (0, "")
    assert os.listdir(served)
    os.kill(daemon_of(served), signal.SIGKILL)
    until(lambda: daemon_of(served) is None)
    assert rprocfs("umount", str(served)) == (0, "")


def test_in_a_user_namespace(mountpoint, board):
    needs_user_namespaces()
    script = (
        f"{sys.executable} -m rprocfs mount --board {board} {mountpoint} && "
        f"cat {mountpoint}/sys/class/remoteproc/remoteproc0/name && "
        f"{sys.executable} -m rprocfs umount {mountpoint}"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], env=ENVIRONMENT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"sim\n", b"")


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["mount", "/nowhere/at/all"], 1, "rprocfs: /nowhere/at/all: No such file or directory"),
        (["mount", "/proc/version"], 1, "rprocfs: /proc/version: Not a directory"),
        (["umount", "/nowhere"], 1, "rprocfs: /nowhere: not mounted"),
        (["umount", "/proc"], 1, "rprocfs: /proc: not mounted by rprocfs"),
    ],
)
def test_one_line_for_what_goes_wrong(capfd, words, status, text):
    assert main(words) == status
    assert capfd.readouterr().err == text + "\n"


def test_what_the_daemon_cannot_do_is_told(mountpoint):
    status, text = rprocfs("mount", "--board", "nothing.toml", str(mountpoint))
    assert (status, text.count("\n")) == (1, 1)
    assert "nothing.toml: No such file" in text


@pytest.mark.parametrize("words", [["run"], ["mount"]])
def test_a_directory_of_firmware_that_is_not_there(words, mountpoint, tmp_path):
    (tmp_path / "file").touch()
    rest = ["--", "true"] if words == ["run"] else [str(mountpoint)]
    for name, why in (("nodir", "no such directory"), ("file", "not a directory")):
        done = rprocfs(*words, "-o", f"firmware={name}", *rest, cwd=tmp_path)
        assert done == (1, f"rprocfs: firmware={name}: {why}\n")


def test_what_there_is_no_right_to(mountpoint):
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("takes root and setpriv (Debian: util-linux)")
    bare = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    words = [*bare, *COMMAND, "mount", str(mountpoint)]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{mountpoint}: may not be mounted on: that takes CAP_SYS_ADMIN" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["mount", "run", "fusepy"])
def test_no_device(mountpoint, kind):
    if os.geteuid():
        pytest.skip("takes root")
    words = ["run", "--", "true"] if kind == "run" else ["mount", str(mountpoint)]
    words[1:1] = ["-o", "transport=fusepy"] if kind == "fusepy" else []
    script = 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *COMMAND, *words],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("rprocfs: /dev/fuse: missing: load the kernel's module")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("strange", "unknown option strange, there are transport, strict"),
        ("transport", "transport needs a value"),
        ("strict=1", "strict takes no value"),
        ("transport=pigeon", "transport=pigeon: there are devfuse, fusepy"),
        ("kernel=5.15", "kernel=5.15: unknown, there are 6.1, "),
        ("loglevel=foo", "loglevel=foo: there are error, warning, info, debug"),
        ("firmware=", "firmware=: needs a value"),
    ],
)
def test_wrong_usage(capfd, options, text):
    with pytest.raises(SystemExit) as ended:
        main(["mount", "-o", options, "/nowhere"])
    assert ended.value.code == 2
    assert text in capfd.readouterr().err


def test_options_add_up():
    options = Options()
    options.add("rw,strict,firmware=/a")
    options.add("kernel=6.1,,x-systemd.automount,_netdev,nouser")
    assert (options.strict, options.firmware, options.kernel) == (True, "/a", "6.1")


def test_a_daemon_that_is_stopped_keeps_no_umount(mountpoint, board):
    assert rprocfs("mount", "--board", board, str(mountpoint)) == (0, "")
    daemon = daemon_of(mountpoint)
    os.kill(daemon, signal.SIGSTOP)
    try:
        mounted = f"{mountpoint}: mounted, but its daemon does not answer"
        assert rprocfs("mount", str(mountpoint)) == (
            1,
            f"rprocfs: {mounted}: see rprocfs umount --lazy\n",
        )
        assert rprocfs("umount", str(mountpoint)) == (
            1,
            f"rprocfs: {mountpoint}: its daemon does not answer: see rprocfs umount --lazy\n",
        )
        # Somebody who waits for it.
        reader = subprocess.Popen(["ls", mountpoint], stderr=subprocess.PIPE)
        assert rprocfs("umount", "-l", str(mountpoint)) == (
            0,
            f"rprocfs: {mountpoint}: its daemon did not answer: "
            "unmounted, and its connection ended\n",
        )
        assert reader.wait(30) != 0
        reader.stderr.close()
        assert find_mount(str(mountpoint)) is None
    finally:
        os.kill(daemon, signal.SIGCONT)
    until(lambda: daemon_of(mountpoint) is None)


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("kind", ["", "-f"])
def test_started_with_a_closed_stream(mountpoint, board, closed, kind):
    command = f'exec "$@" {closed}'
    argv = ["sh", "-c", command, "sh", *COMMAND, "mount", *filter(None, [kind]), "--board", board]
    with subprocess.Popen(
        [*argv, mountpoint], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        until(lambda: find_mount(str(mountpoint)))
        until(lambda: kind or process.poll() == 0)
        assert rprocfs("umount", str(mountpoint)) == (0, "")
        assert process.wait(10) == 0
        said = process.stdout.read()
        assert b"Traceback" not in said
        assert kind or said == b""


def test_a_log_on_a_full_disk(mountpoint, board):
    options = "log=/dev/full,loglevel=debug"
    status, said = rprocfs("mount", "-o", options, "--board", board, str(mountpoint))
    assert (status, said) == (0, "rprocfs: /dev/full: No space left on device\n")
    assert rprocfs("umount", str(mountpoint)) == (0, "")


def served_in_foreground(code, mountpoint, board, *options):
    """``mount -f`` after *code*, which nobody listens to, when it answers."""
    code += "\nfrom rprocfs.cli import main\nmain()"
    command = [sys.executable, "-c", code, "mount", "-f", *options, "--board", board, mountpoint]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE)
    until((mountpoint / "sys/class/remoteproc").exists)
    return process


def test_its_children_end_with_a_status_though_its_parent_ignores_sigchld(mountpoint, board):
    code = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    with served_in_foreground(code, mountpoint, board) as daemon:
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        (ignored,) = (line.split()[1] for line in status.splitlines() if "SigIgn" in line)
        assert rprocfs("umount", str(mountpoint)) == (0, "")
        assert daemon.wait(10) == 0
    assert not int(ignored, 16) >> signal.SIGCHLD - 1 & 1


def test_a_log_that_is_not_read_keeps_nobody(mountpoint, board):
    with served_in_foreground("", mountpoint, board, "-o", "loglevel=info") as daemon:
        state = mountpoint / "sys/class/remoteproc/remoteproc0/state"
        for _ in range(400):  # more lines than fit into a pipe
            with pytest.raises(FileNotFoundError):
                state.write_text("start")
        said = os.read(daemon.stderr.fileno(), 1 << 20)
        with pytest.raises(FileNotFoundError):
            state.write_text("start")
        assert rprocfs("umount", str(mountpoint)) == (0, "")
        assert daemon.wait(10) == 0
        said += daemon.stderr.read()
    assert b" lines were lost: they were not read)\n" in said


def test_a_log_that_is_a_fifo_without_a_reader(mountpoint, board, tmp_path):
    os.mkfifo(tmp_path / "log")
    options = f"log={tmp_path / 'log'}"
    status, said = rprocfs("mount", "-o", options, "--board", board, str(mountpoint))
    assert (status, said) == (1, f"rprocfs: {options}: no program reads this FIFO\n")


def test_a_log_moves_no_cursor(mountpoint, board, tmp_path):
    """The name of a file or of a channel may have what a terminal obeys."""
    log = tmp_path / "log"
    with served_in_foreground("", mountpoint, board, "-o", f"log={log},loglevel=info"):
        processor = mountpoint / "sys/class/remoteproc/remoteproc0"
        (processor / "firmware").write_text("red \x1b[31m")
        with pytest.raises(FileNotFoundError):
            (processor / "state").write_text("start")
        assert rprocfs("umount", str(mountpoint)) == (0, "")
    assert b"\x1b" not in log.read_bytes()
    assert b"red \\x1b[31m" in log.read_bytes()


def test_a_copy_in_another_namespace_keeps_no_daemon(served):
    """As a container, a run and a worker that is being started have one of every mount."""
    needs("unshare")
    command = ["unshare", "-m", "sh", "-c", "echo copied; exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"copied\n"
            daemon = daemon_of(served)
            assert rprocfs("umount", str(served)) == (0, "")
            assert not os.path.exists(f"/proc/{daemon}/fd/0")
        finally:
            other.kill()


HANGS = """
import threading
from rprocfs.drivers.sim.driver import SimDriver
from rprocfs_fuse.command import daemon
daemon.PATIENCE = 1
def for_ever(*_): threading.Event().wait()
SimDriver.remove = for_ever
"""


def test_a_board_that_does_not_end_keeps_no_daemon(mountpoint, board, tmp_path):
    log = tmp_path / "log"
    with served_in_foreground(HANGS, mountpoint, board, "-o", f"log={log}") as daemon:
        assert rprocfs("umount", str(mountpoint)) == (0, "")
        assert daemon.wait(10) == -signal.SIGALRM
    assert "in for_ever\n" in log.read_text()
