"""Life on a Linux system: mount(8), fstab(5), systemd, completion, the manual page, the log."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import fields

import pytest

from rprocfs.board.ready import ready_boards
from rprocfs.cli import main
from rprocfs_fuse.command import mount_helper
from rprocfs_fuse.command.options import Options
from rprocfs_fuse.mountpoint import find_mount
from tests.mount.test_mount_command import BOARD, COMMAND, ENVIRONMENT, rprocfs, until

R0 = "sys/class/remoteproc/remoteproc0"


@pytest.fixture
def board(tmp_path):
    file = tmp_path / "board.toml"
    file.write_text(BOARD)
    return file


@pytest.fixture
def root(tmp_path, capsys):
    """A system's root in which everything was installed."""
    assert main(["setup", "--root", str(tmp_path / "root")]) == 0
    return tmp_path / "root"


def _shell(script, *words):
    return subprocess.run(
        ["sh", "-euc", script, "sh", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_of_it_can_be_removed_again(root, capsys):
    installed = [path for path in root.rglob("*") if path.is_file()]
    assert len(installed) == 5
    assert main(["setup", "--root", str(root), "--remove"]) == 0
    assert not [path for path in root.rglob("*") if path.is_file()]
    assert main(["setup", "--root", str(root), "--remove"]) == 0


def test_what_somebody_else_installed_stays(root, capsys):
    helper = root / "sbin/mount.fuse.rprocfs"
    helper.write_text("#!/bin/sh\n")
    main(["setup", "--root", str(root), "--remove", "mount-helper"])
    assert helper.exists()


def test_an_unknown_part(tmp_path, capsys):
    assert main(["setup", "--root", str(tmp_path), "mount-helper", "fstab"]) == 1
    assert "fstab: unknown, there are mount-helper" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_root_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["setup", "--root", str(tmp_path / "file"), "systemd"]) == 1
    assert "Not a directory" in capsys.readouterr().err


MOUNT = """
mkdir "$1/helpers"; cp /sbin/mount.* "$1/helpers" || :
cp "$1/root/sbin/mount.fuse.rprocfs" "$1/helpers"
mount --bind "$1/helpers" /sbin
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mount(8) lets only root mount")
def test_mount_and_fstab(root, board, mountpoint, tmp_path):
    """In a namespace of its own, whose /sbin has the helper."""
    (tmp_path / "fstab").write_text(f"{board} {mountpoint} fuse.rprocfs defaults,nofail 0 0\n")
    script = (
        MOUNT
        + """
        mount -t fuse.rprocfs "$2" "$3"
        cat "$3/$4/name"
        grep -c "^$2 $3 fuse.rprocfs " /proc/self/mounts
        umount "$3"
        mount -T "$1/fstab" -a; mount -T "$1/fstab" -a; mount -T "$1/fstab" -f "$3"
        cat "$3/$4/name"
        umount "$3"
        mount -t fuse.rprocfs rprocfs "$3" -o strict,ro
        cat "$3/$4/name"
        umount "$3"
    """
    )
    words = (script, "sh", str(tmp_path), str(board), str(mountpoint), R0)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc", *words], cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("sim\n1\nsim\nm4\n", "", 0)


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["missing.toml", "/"], 32, "missing.toml: No such file"),
        (["rprocfs", "/nowhere"], 32, "/nowhere: No such file"),
        (["rprocfs"], 1, "DIR"),
        (["rprocfs", "/tmp", "-o", "colour=red"], 1, "unknown option colour"),
        (["rprocfs", "/nowhere", "-f", "-s", "-n", "-v", "-o", "rw"], 0, ""),
    ],
)
def test_statuses_of_the_helper(words, status, complaint, capsys):
    try:
        assert mount_helper.main(words) == status
    except SystemExit as end:
        assert end.code == status
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(root, shell):
    name = {"bash": "bash-completion/completions", "zsh": "zsh/site-functions"}[shell]
    (file,) = (root / "usr/local/share" / name).iterdir()
    assert "umount" in file.read_text()
    if shell == "bash":
        script = f'. "{file}"; COMP_WORDS=(rprocfs umo); COMP_CWORD=1; _shtab_rprocfs rprocfs umo; '
        done = subprocess.run(
            ["bash", "-c", script + 'echo "${COMPREPLY[@]}"'],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == "umount\n"
    elif shutil.which("zsh"):
        subprocess.run(["zsh", "-n", str(file)], check=True)


def test_the_manual_page_knows_every_command(root):
    page = (root / "usr/local/share/man/man1/rprocfs.1").read_text()
    for command in ("mount", "umount", "run", "check", "setup"):
        assert f"'rprocfs {command}'" in page


def test_the_unit_runs_this_rprocfs(root):
    unit = (root / "etc/systemd/system/rprocfs@.service").read_text()
    assert f'ExecStart="{sys.executable}" -I -m rprocfs mount -f --board' in unit
    assert "Type=notify\n" in unit


def test_a_service_says_when_it_is_ready_and_ends_while_a_reader_waits(board, mountpoint, tmp_path):
    where = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(where))
        manager.settimeout(20)
        service = subprocess.Popen(
            [*COMMAND, "mount", "-f", "--board", str(board), str(mountpoint)],
            env={**ENVIRONMENT, "NOTIFY_SOCKET": str(where)},
            stderr=subprocess.DEVNULL,
        )
        assert manager.recv(100) == b"READY=1"
    assert (mountpoint / R0 / "name").read_text() == "sim\n"
    reader = subprocess.Popen(
        ["sh", "-c", 'exec 3<"$0"; echo; exec cat <&3', mountpoint / "dev/kmsg"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    reader.stdout.readline()
    service.send_signal(signal.SIGTERM)
    assert service.wait(10) == 0
    assert reader.wait(10) != 0
    reader.stdout.close()
    assert find_mount(str(mountpoint)) is None


def test_the_journal_is_told_levels(board, mountpoint, tmp_path):
    board.write_text(BOARD + 'auto-boot = true\nfirmware-name = "missing.elf"\n')
    with open(tmp_path / "stderr", "w+") as stderr:
        about = os.fstat(stderr.fileno())
        service = subprocess.Popen(
            [*COMMAND, "mount", "-f", "--board", str(board), str(mountpoint)],
            env={**ENVIRONMENT, "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"},
            stderr=stderr,
        )
        try:
            until(lambda: "request_firmware failed" in (tmp_path / "stderr").read_text())
        finally:
            service.terminate()
            assert service.wait(10) == 0
    lines = (tmp_path / "stderr").read_text().splitlines()
    assert "<6>rprocfs: remoteproc remoteproc0: sim is available" in lines
    assert any(line.startswith("<3>rprocfs: ") and line.endswith("-2") for line in lines)


def test_loglevel(board, mountpoint, tmp_path):
    log = tmp_path / "log"
    for level, shown in (("info", True), ("warning", False)):
        words = ["mount", "-o", f"log={log},loglevel={level}", "--board", board, mountpoint]
        subprocess.run([*COMMAND, *words], env=ENVIRONMENT, check=True, timeout=20)
        subprocess.run([*COMMAND, "umount", mountpoint], env=ENVIRONMENT, check=True, timeout=20)
        assert ("sim is available" in log.read_text()) is shown
        log.unlink()


def test_no_syslog_is_said(board, mountpoint, tmp_path):
    if os.path.exists("/dev/log"):
        pytest.skip("there is a syslog here")
    words = ["mount", "-o", "log=syslog", "--board", board, mountpoint]
    assert rprocfs(*map(str, words)) == (1, "rprocfs: log=syslog: nobody listens at /dev/log\n")


def test_links_in_the_way_are_replaced(tmp_path, capsys):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    helper = tmp_path / "root/sbin/mount.fuse.rprocfs"
    helper.parent.mkdir(parents=True)
    helper.symlink_to(victim)
    (helper.parent / ".mount.fuse.rprocfs.new").symlink_to(victim)
    assert main(["setup", "--root", str(tmp_path / "root"), "mount-helper"]) == 0
    assert victim.read_text() == "precious"
    assert not helper.is_symlink()
    assert helper.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("target", ["/escape", "../../escape", "up/../../../escape"])
def test_no_link_leads_out_of_the_root(tmp_path, target, capsys):
    root, outside = tmp_path / "deep" / "root", tmp_path / "deep" / "escape"
    (root / "up").mkdir(parents=True)
    outside.mkdir()
    (root / "sbin").symlink_to(target)
    (root / "usr").mkdir()
    (root / "usr/local").symlink_to(str(outside))
    (root / "escape").mkdir()
    assert main(["setup", "--root", str(root)]) == 0
    assert list(outside.iterdir()) == []
    assert (root / "escape/mount.fuse.rprocfs").exists()
    assert main(["setup", "--root", str(root), "--remove"]) == 0
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_a_link_to_itself(tmp_path, capsys):
    (tmp_path / "sbin").symlink_to("sbin")
    assert main(["setup", "--root", str(tmp_path), "mount-helper"]) == 1
    assert "Too many levels of symbolic links" in capsys.readouterr().err


def test_what_is_removed_is_no_file_behind_a_link(root, tmp_path, capsys):
    helper = root / "sbin/mount.fuse.rprocfs"
    kept = helper.rename(tmp_path / "kept")
    helper.symlink_to(kept)
    assert main(["setup", "--root", str(root), "--remove"]) == 0
    assert kept.exists()
    assert helper.is_symlink()


def test_nothing_is_written_before_everything_is_found_good(tmp_path, capsys):
    """A file that is in the way of the last part leaves the system as it was."""
    page = tmp_path / "usr/local/share/man/man1/rprocfs.1"
    page.parent.mkdir(parents=True)
    page.write_text("mine\n")
    assert main(["setup", "--root", str(tmp_path)]) == 1
    assert f"{page}: is there already, and not made by rprocfs setup" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [page]


def test_a_missing_library_is_found_first(tmp_path):
    """In an interpreter without shtab, which stands in for an installation without the extra."""
    script = (
        "import sys; sys.modules['shtab'] = None\n"
        "from rprocfs.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "setup", "--root", str(tmp_path)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"rprocfs: shtab is missing: {sys.executable} -m pip install shtab argparse-manpage, "
        "or name what to install: mount-helper, systemd, completion, man\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["setup", "sys"], ["systemd"]),
        (["run", "--board", "stm32"], ["stm32mp157"]),
        (["mount", "-o", "transp"], ["transport="]),
    ],
)
def test_completion_of_values(root, words, completed):
    file = root / "usr/local/share/bash-completion/completions/rprocfs"
    script = (
        f'. "{file}"; COMP_WORDS=(rprocfs {" ".join(words)}); COMP_CWORD={len(words)}; '
        f'_shtab_rprocfs rprocfs {words[-1]}; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == completed


@pytest.mark.parametrize("command", ["mount", "run"])
def test_help_knows_options_boards_and_statuses(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    for option in fields(Options):
        assert f"  {option.name}" in said
    for name in ready_boards():
        assert name in said
    assert "exit status: " in said


def test_the_manual_page_knows_options_boards_and_statuses(root):
    page = (root / "usr/local/share/man/man1/rprocfs.1").read_text().replace("\\-", "-")
    for word in ("loglevel=error|warning|info|debug", "stm32mp157", "EXIT STATUS"):
        assert word in page
