"""``rprocfs setup``: install the files by which a Linux system finds rprocfs.

The mount helper, a systemd unit, shell completion and the manual page are made from the
command line itself (:func:`rprocfs.cli.parser`) and from the interpreter that runs it.
"""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rprocfs import __version__
from rprocfs.board.ready import board_names, ready_boards
from rprocfs.errors import CommandError
from rprocfs_fuse.command.options import KNOWN, describe_options

#: Stands in every file that is installed; a file without it is not ours to remove.
MARK = "made by rprocfs setup"
#: Parts of a path, those of links included: more is a loop.
_MAX_STEPS = 200

UNIT = """\
# {mark}
# systemctl start rprocfs@NAME: the board /etc/rprocfs/NAME.toml, on /run/rprocfs/NAME
[Unit]
Description=rprocfs board %i
Documentation=man:rprocfs(1)

[Service]
Type=notify
RuntimeDirectory=rprocfs/%i
ExecStart={rprocfs} mount -f --board /etc/rprocfs/%i.toml /run/rprocfs/%i
KillMode=mixed
TimeoutStopSec=15

[Install]
WantedBy=multi-user.target
"""

HELPER = """\
#!/bin/sh
# {mark}: mount -t fuse.rprocfs BOARD DIR
exec {python} -I -m rprocfs_fuse.command.mount_helper "$@"
"""


def setup(subparsers: Any) -> None:
    """Add the command ``setup``."""
    parser = subparsers.add_parser(
        "setup",
        help="install the mount helper, the systemd unit, completion and the manual page",
        description="Install what lets mount(8), fstab(5), systemd, shells and man(1) know "
        "rprocfs, or remove it again. Prints the files.",
    )
    parser.add_argument("--root", metavar="DIR", default="/", help="the system's root (default: /)")
    parser.add_argument("--remove", action="store_true", help="remove what was installed")
    parser.add_argument(
        "what", metavar="WHAT", nargs="*", help=f"of {', '.join(PARTS)} (default: all)"
    )
    parser.set_defaults(run=run_setup)


def run_setup(arguments: argparse.Namespace) -> int:
    """Install or remove; returns 0. CommandError."""
    for part in arguments.what:
        if part not in PARTS:
            raise CommandError(f"{part}: unknown, there are {', '.join(PARTS)}")
    root = Path(arguments.root)
    files = [
        (_inside(root, path), mode, text)
        for part in arguments.what or PARTS
        for path, mode, text in PARTS[part]()
    ]
    if arguments.remove:
        for file, _, _ in files:
            _remove(file)
        return 0
    contents = [text() for _, _, text in files]  # what is missing is found before a file is made
    for file, _, _ in files:
        _check(file)
    for (file, mode, _), content in zip(files, contents, strict=True):
        _install(file, mode, content)
    return 0


def _inside(root: Path, path: str) -> Path:
    """*path* as a process whose root is *root* finds it: no link leads out. CommandError.

    The last part is not followed.
    """
    *left, name = path.split("/")
    found: list[str] = []
    for _ in range(_MAX_STEPS):
        if not left:
            return root.joinpath(*found, name)
        part = left.pop(0)
        if part == "..":
            del found[-1:]
        elif (here := root.joinpath(*found, part)).is_symlink():
            target = str(here.readlink())
            found = [] if target.startswith("/") else found
            left = [*(word for word in target.split("/") if word not in ("", ".")), *left]
        else:
            found.append(part)
    raise CommandError(f"{root / path}: {os.strerror(errno.ELOOP)}")


def _check(file: Path) -> None:
    """Check that the file can be made, or is ours if it exists. CommandError, OSError."""
    if not file.is_symlink() and file.exists() and MARK not in file.read_text("utf-8", "replace"):
        raise CommandError(f"{file}: is there already, and not {MARK}")
    above = next(place for place in file.parents if place.exists())
    if not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(above))
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(above))


def _install(file: Path, mode: int, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(content)
            os.fchmod(handle, mode)
        Path(new).replace(file)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
    print(file)


def _remove(file: Path) -> None:
    if file.is_file() and not file.is_symlink() and MARK in file.read_text("utf-8", "replace"):
        file.unlink()
        print(file)


_Files = Iterator[tuple[str, int, Callable[[], str]]]


def _mount_helper() -> _Files:
    text = HELPER.format(mark=MARK, python=shlex.quote(sys.executable))
    yield "sbin/mount.fuse.rprocfs", 0o755, lambda: text


def _systemd() -> _Files:
    command = f"{_systemd_quote(sys.executable)} -I -m rprocfs"
    text = UNIT.format(mark=MARK, rprocfs=command)
    yield "etc/systemd/system/rprocfs@.service", 0o644, lambda: text


def _completion() -> _Files:
    yield (
        "usr/local/share/bash-completion/completions/rprocfs",
        0o644,
        lambda: f"# {MARK}\n{_complete('bash')}",
    )
    yield (
        "usr/local/share/zsh/site-functions/_rprocfs",
        0o644,
        lambda: _complete("zsh").replace("\n", f"\n# {MARK}\n", 1),
    )


def _man() -> _Files:
    yield "usr/local/share/man/man1/rprocfs.1", 0o644, _manual_page


#: What can be installed.
PARTS: Mapping[str, Callable[[], _Files]] = {
    "mount-helper": _mount_helper,
    "systemd": _systemd,
    "completion": _completion,
    "man": _man,
}


def _command_line() -> argparse.ArgumentParser:
    from rprocfs.cli import parser  # it names this module

    return parser()


def _complete(shell: str) -> str:
    shtab = _library("shtab")
    parser = _command_line()
    kinds = {"FILE": shtab.FILE, "FIRMWARE": shtab.FILE, "DIR": shtab.DIRECTORY}
    kinds |= {kind: {name: f"_rprocfs_{kind.lower()}" for name in WORDS} for kind in _words()}
    for action in _actions(parser):
        if action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
    text: str = shtab.complete(parser, shell, preamble={shell: _functions(shell)})
    return text


#: How a shell is told the words that it may complete; bash completes files besides.
WORDS = {
    "bash": "_rprocfs_{kind}() {{\n  compgen -W '{words}' -- \"$1\"\n{files}}}\n",
    "zsh": "_rprocfs_{kind}() {{\n  compadd -- {words}\n{files}}}\n",
}
_FILES = {"bash": '  compgen -f -- "$1"\n', "zsh": "  _files\n"}


def _words() -> Mapping[str, Iterable[str]]:
    """The values of arguments that are no files, or not only."""
    return {
        "BOARD": ready_boards(),
        "WHAT": PARTS,
        "OPTIONS": [name + ("=" if takes else "") for name, takes in KNOWN.items()],
    }


def _functions(shell: str) -> str:
    return "".join(
        WORDS[shell].format(
            kind=kind.lower(),
            words=" ".join(words),
            files=_FILES[shell] if kind == "BOARD" else "",
        )
        for kind, words in _words().items()
    )


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands, those of commands included, by what is typed."""
    for action in parser._actions:  # argparse has no other way
        if isinstance(action.choices, dict):
            for name, command in action.choices.items():
                yield name, command
                yield from ((f"{name} {below}", one) for below, one in _commands(command))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # argparse has no other way
        yield action
        if isinstance(action.choices, dict):
            for subparser in action.choices.values():
                yield from _actions(subparser)


def _manual_page() -> str:
    parser = _command_line()
    parser.man_short_description = "Linux remoteproc, virtio and rpmsg in userspace"  # type: ignore[attr-defined]
    page = _library("argparse_manpage.manpage").Manpage(parser)
    page.manual, page.source = "User Commands", f"rprocfs {__version__}"
    statuses = [
        f"rprocfs {name}: {epilog.removeprefix('exit status: ')}"
        for name, command in _commands(parser)
        for epilog in (command.epilog or "").split("\n\n")
        if epilog.startswith("exit status: ")
    ]
    more = {"MOUNT OPTIONS": describe_options(), "BOARDS": board_names(),
            "EXIT STATUS": "\n".join(statuses)}  # fmt: skip
    return f'.\\" {MARK}\n{page}\n' + "".join(_section(*section) for section in more.items())


def _section(title: str, text: str) -> str:
    """A section of a manual page that keeps its lines."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\n.", "\n\\&.")
    return f".SH {title}\n.nf\n{escaped}\n.fi\n"


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as problem:
        raise CommandError(
            f"{problem.name} is missing: {sys.executable} -m pip install shtab argparse-manpage, "
            f"or name what to install: {', '.join(PARTS)}"
        ) from problem


def _systemd_quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
