"""``rprocfs top`` on mounts with traffic, and on those that go away."""

import asyncio
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from textual.widgets import RichLog, Sparkline

from rprocfs.board import open_board
from rprocfs.cli import main
from rprocfs.commands.top import cells, human, readings, table, the_mount
from rprocfs.commands.top_files import parse_vrings, parse_worker, rates, sample
from rprocfs.commands.top_screen import Screen
from rprocfs.errors import CommandError
from rprocfs_fuse import transport
from rprocfs_fuse.mountpoint import unmount
from tests.mount import conftest

ROOT = Path(__file__).parents[2]
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
mountpoint = conftest.mountpoint
LINE = "vdev 0 vring 1 num 32 avail 5 used 4 held 1 messages_out 5 bytes_out 90 "
LINE += "messages_in 0 bytes_in 0\n"
MOUNT = "36 35 0:{0} / {1} rw - fuse.rprocfs rprocfs rw\n"


def test_the_lines_of_vrings():
    assert parse_vrings("") == ()
    assert [vring["bytes_out"] for vring in parse_vrings(LINE * 2)] == [90, 90]


def test_the_lines_of_worker_that_grew_while_it_was_read():
    text = "engine sim\npid 7\ncpu 9.99\nrss 4096\n6\n"
    assert parse_worker(text) == {"engine": "sim", "pid": "7", "cpu": "9.99", "rss": "4096"}
    assert parse_worker("rss 4096\nrss 40\n") == {"rss": "4096"}
    assert parse_worker("") == {}


def test_which_mount():
    with pytest.raises(CommandError, match="no board is mounted"):
        the_mount("1 2 0:1 / /proc rw - proc proc rw\n")
    assert str(the_mount(MOUNT.format(40, "/tmp/a\\040b"))) == "/tmp/a b"
    with pytest.raises(CommandError, match="/a, /b"):
        the_mount(MOUNT.format(40, "/a") + MOUNT.format(41, "/b"))
    covers = MOUNT.format(40, "/sys/class/remoteproc") + MOUNT.format(40, "/dev")
    assert str(the_mount(covers)) == "/"
    elsewhere = MOUNT.format(41, "/b")
    assert str(the_mount(elsewhere + covers)) == str(the_mount(covers + elsewhere)) == "/"
    assert str(the_mount(elsewhere + MOUNT.format(41, "/bound"))) == "/b"


@pytest.fixture
def board(mountpoint):
    with (
        open_board() as system,
        transport.mount(system.tree, str(mountpoint), transport.MountOptions("devfuse")),
    ):
        yield mountpoint


def start(board):
    files = board / "sys/class/remoteproc/remoteproc0"
    (files / "firmware").write_text("echo.elf")
    (files / "state").write_text("start")
    devices = board / "sys/bus/rpmsg/devices"
    ends = time.monotonic() + 30
    while not (devices / "virtio0.rpmsg-echo.-1.1025").exists():  # it is announced last
        assert time.monotonic() < ends
        time.sleep(0.01)
    return devices / "virtio0.rpmsg-raw.-1.1024/endpoint"


def test_traffic_and_a_processor_that_stops(board):
    fd = os.open(start(board), os.O_RDWR)
    before = sample(board)
    try:
        for _ in range(3):
            os.write(fd, b"hello")
            assert os.read(fd, 10) == b"hello"
    finally:
        os.close(fd)
    after = sample(board)
    old, new = (one[1][0] for one in (before, after))
    assert new.total("messages_out") - old.total("messages_out") == 3
    assert new.total("messages_in") - old.total("messages_in") == 3
    assert new.total("bytes_in") - old.total("bytes_in") == 3 * (16 + 5)
    row = rates(before, after)[0]
    assert (row["state"], row["label"], row["firmware"]) == ("running", "m4", "echo.elf")
    assert row["engine"] in ("qemu", "unicorn")
    assert row["messages_in_rate"] > 0
    assert row["rss"] > 1 << 20
    assert row["cpu"] is not None
    (board / "sys/class/remoteproc/remoteproc0/state").write_text("stop")
    stopped = rates(after, sample(board))[0]
    assert (stopped["state"], stopped["pid"], stopped["cpu"]) == ("offline", None, None)
    assert (stopped["vrings"], stopped["messages_out_rate"]) == ([], None)
    assert rates(after, (after[0] + 1, after[1][1:]))[0]["label"] == "sim"


def top(*arguments):
    command = [sys.executable, "-m", "rprocfs", "top", "-d", "0.05", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_another_process(board):
    done = top("--json", board)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["processors"]
    assert [row["label"] for row in rows] == ["m4", "sim"]
    lines = top("-n", "2", board).stdout.splitlines()
    assert len(lines) == 6
    assert lines[1].split()[:3] == ["remoteproc0", "m4", "offline"]


@pytest.mark.parametrize("strict", [False, True])
def test_strict_hides_rings_and_workers(strict):
    with open_board(strict=strict) as system:
        names = set(system.remoteproc.rprocs[0].debug_dir.children)
        assert names & {"vrings", "worker"} == (set() if strict else {"vrings", "worker"})


def test_no_mount(tmp_path):
    done = top(tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"rprocfs: {tmp_path}: no board here: No such file or directory\n"


@pytest.mark.parametrize("words", [("-n", "0"), ("-d", "nan"), ("-d", "x")])
def test_wrong_usage(words):
    with pytest.raises(SystemExit) as ended:
        main(["top", *words])
    assert ended.value.code == 2


ROW = {
    "name": "remoteproc0", "label": "5000000.m4fss", "state": "running", "engine": "unicorn",
    "firmware": "a-long-name-of-an-image.elf", "pid": 1234567, "cpu": 12.3, "rss": 48 << 20,
    "messages_out_rate": 12345.6, "bytes_out_rate": 2345678.0, "messages_in_rate": 12345.6,
    "bytes_in_rate": 1500.0,
    "vrings": [{"held": 256, "num": 256}, {"held": 256, "num": 256}],
}  # fmt: skip


def test_the_table_fits_a_terminal():
    lines = table([ROW], 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[:3] == ["NAME", "LABEL", "STATE"]
    assert table([ROW], 200) == table([ROW])
    assert "PID" in table([ROW]) and "PID" not in lines[0]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0K"), (1536, "1.5K"), (48 << 20, "48M"), (5 << 30, "5.0G")],
)
def test_sizes_are_for_people(size, text):
    assert human(size) == text


def test_help_explains_every_column(capsys):
    with pytest.raises(SystemExit):
        main(["top", "--help"])
    said = capsys.readouterr().out
    for head in table([ROW]).splitlines()[0].split()[3:]:
        assert head in said.partition("columns:")[2] or head == "FIRMWARE"


def test_the_table_shows_no_control_characters(board):
    before = sample(board)
    row = rates(before, before)[0] | {"label": "a\x1b[2J"}
    assert "\x1b" not in table([row])


class Terminal:
    """``rprocfs top`` with a window of its own."""

    def __init__(self, *arguments, columns=200):
        self.master, self.slave = pty.openpty()
        self.resize(columns)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = subprocess.Popen(
            ["setsid", "-c", sys.executable, "-m", "rprocfs", "top", *map(str, arguments)],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={word: os.environ[word] for word in os.environ if word not in ("COLUMNS", "LINES")}
            | {"TERM": "xterm"},
        )

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def until(self, text):
        """Wait for *text*; what came before it is forgotten."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        while text not in self.text:
            assert poll.poll(20_000), (text, self.text)
            self.text += os.read(self.master, 65536).decode(errors="replace")
        passed, _, self.text = self.text.partition(text)
        return passed

    def ends(self):
        """Its exit status, once the terminal is as it was."""
        self.until(SHOW_CURSOR)
        ends = time.monotonic() + 20
        while (status := self.process.poll()) is None:  # which may have more to print
            assert time.monotonic() < ends
            if select.select([self.master], [], [], 0.05)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        assert termios.tcgetattr(self.slave) == self.before
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def test_it_is_drawn_again_and_again(board):
    with Terminal("-d", "0.05", board) as terminal:
        terminal.until(HIDE_CURSOR)
        terminal.until("offline")
        start(board)
        terminal.until("running")
        os.write(terminal.master, b"\x03")
        assert terminal.ends() == 130


def test_sigterm_restores_the_terminal(board):
    with Terminal(board) as terminal:
        terminal.until(HIDE_CURSOR)
        terminal.process.terminate()
        assert terminal.ends() == 128 + signal.SIGTERM


def test_a_number_of_times_on_a_terminal(board):
    with Terminal("-n", "2", "-d", "0.05", board) as terminal:
        assert terminal.ends() == 0


def test_a_window_that_changes(board):
    """Lines are cut to it; it is drawn anew before its time."""
    with Terminal("-d", "0.5", board, columns=30) as terminal:
        drawn = terminal.until("remoteproc1")
        assert "STATE" in drawn
        assert "HELD" not in drawn
        terminal.resize(200)
        assert "ENGINE" in terminal.until("HELD")


def test_unmounted_meanwhile(mountpoint):
    options = transport.MountOptions("devfuse")
    with (
        open_board() as system,
        transport.mount(system.tree, str(mountpoint), options),
        Terminal("-d", "0.05", mountpoint) as terminal,
    ):
        terminal.until("offline")
        unmount(str(mountpoint), lazy=True)
        assert terminal.ends() == 1
        terminal.until(f"rprocfs: {mountpoint}: no board here: No such file or directory")


def test_its_keys(board):
    """Start, send, crash and stop by keys; the log shows what the board says of it."""
    files = board / "sys/class/remoteproc/remoteproc0"
    (files / "firmware").write_text("echo.elf")
    (files / "recovery").write_text("disabled")
    ended = threading.Event()
    screen = Screen(board, readings(board, sys.maxsize, 0.05, ended.wait), ended, cells)

    def said():
        return "\n".join(line.text for line in screen.query_one(RichLog).lines)

    def complaints():
        return "\n".join(one.message for one in screen._notifications)

    async def session():
        async with screen.run_test(size=(120, 40)) as pilot:

            async def until(condition):
                ends = time.monotonic() + 30
                while not condition():
                    assert time.monotonic() < ends, said()
                    await pilot.pause(0.02)

            await until(lambda: "m4 is available" in said())
            await pilot.press("m", *"no", "enter")
            await until(
                lambda: any("is it running" in one.message for one in screen._notifications)
            )
            await pilot.press("s")
            await until(lambda: "creating channel rpmsg-echo" in said())
            await pilot.press("m", *"hello", "enter")
            await until(lambda: "virtio0.rpmsg-echo.-1.1025 -> hello" in said())
            await until(lambda: "it has" in str(screen.query_one("#rings").render()))
            await until(lambda: max(screen.query(Sparkline).first().data) > 0)
            await pilot.press("c")
            await until(lambda: "crash detected" in said())
            await pilot.press("c", "x")
            await until(lambda: (files / "state").read_text() == "offline\n")
            await pilot.press("m", "escape", "q")

    asyncio.run(session())
    assert (screen.return_value, screen.failure) == (0, None)
    for thread in threading.enumerate():
        if thread.name == "top":
            thread.join(10)


def test_processors_that_come_and_go(board):
    """Between two readings, and within one."""
    made = board / "sys/kernel/config/remoteproc/m7"

    def make():
        made.mkdir()
        (made / "compatible").write_text("rprocfs,sim")
        (made / "live").write_text("1")

    def remove():
        (made / "live").write_text("0")
        made.rmdir()

    def labels(before, after):
        return [row["label"] for row in rates(before, after)]

    few = sample(board)
    make()
    more = sample(board)
    remove()
    assert labels(few, more) == ["m4", "sim", "m7"]
    assert labels(more, sample(board)) == ["m4", "sim"]

    ended = threading.Event()

    def come_and_go():
        while not ended.is_set():
            make()
            remove()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        before = more
        for _ in range(50):
            after = sample(board)
            found = rates(before, after)
            table(found)
            assert {row["name"] for row in found} >= {"remoteproc0", "remoteproc1"}
            before = after
    finally:
        ended.set()
        thread.join()


def test_inside_run():
    """It finds the board there, and tells what a strict mount tells."""
    conftest.needs_fuse()
    words = [sys.executable, "-m", "rprocfs"]
    done = subprocess.run(
        [*words, "run", "--", *words, "top", "-d", "0.05", "--json"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["processors"]
    assert [(row["label"], row["state"]) for row in rows] == [("m4", "offline"), ("sim", "offline")]
    assert {row["vrings"] for row in rows} == {None}
