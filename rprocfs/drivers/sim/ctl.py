"""The knobs of ``rproc-sim`` below debugfs.

``ctl`` takes one command a write; the errno of what it does is the writer's:

=============================== =================================================
fail_start E, fail_stop E,      that operation fails with errno E; 0: works again
fail_attach E, fail_detach E,
fail_prepare E
delay_start MS                  starting takes that long
crash TYPE                      0 mmufault, 1 watchdog, 2 fatal error; falls silent
services NAME@ADDR ...          announced at the next boot
echo 0|1                        does it send messages back (1)
hold 0|1                        does it leave messages in the ring (0)
ns create|destroy NAME ADDR [V] announcement now, on vdev V
send SRC DST TEXT               one message; C escapes in TEXT
flood SRC DST COUNT             messages m000, m001, ...
fill SRC DST LEN                one message of LEN times x
trace DA TEXT                   write memory
log clear                       forget what was received
=============================== =================================================
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, error
from rprocfs.remoteproc.recovery import rproc_report_crash

if TYPE_CHECKING:
    from rprocfs.drivers.sim.remote import SimRemote

SIM_MAX_VDEV = 4
FILL_MAX = 4096
SERVICES_SIZE = 511


class SimFaults:
    """Which operations fail, and how slowly they start."""

    def __init__(self) -> None:
        self.codes = dict.fromkeys(("start", "stop", "attach", "detach", "prepare"), 0)
        self.delay_start = 0

    def check(self, operation: str) -> None:
        """Raise the errno that is set for *operation*."""
        if code := self.codes[operation]:
            raise error(code)


def sim_create_debug_dir(where: Dir, remote: SimRemote, faults: SimFaults) -> None:
    """Put ``ctl``, ``log`` and ``stat`` into *where*."""
    where.add("ctl", DebugfsFile(None, _Ctl(remote, faults).write, sleeps=True))
    where.add("log", DebugfsFile(lambda: remote.log, fresh=True))
    where.add("stat", DebugfsFile(lambda: _stat(remote), fresh=True))


def _stat(remote: SimRemote) -> bytes:
    return (
        f"on={remote.on:d} dead={remote.dead:d} starts={remote.starts} stops={remote.stops} "
        f"power={remote.rproc.power} silent={remote.silent:d}\n"
    ).encode()


def _number(word: str) -> int:
    """``kstrtouint(word, 0, ...)``; EINVAL."""
    try:
        return int(re.sub(r"^0(?=[0-7])", "0o", word), 0)
    except ValueError as failure:
        raise error(errno.EINVAL) from failure


_ESCAPE = re.compile(r'\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([nrtvfabe"\\]))', re.ASCII)
_CONTROL = dict(zip('nrtvfabe"\\', '\n\r\t\v\f\a\b\x1b"\\', strict=True))


def string_unescape(text: str) -> bytes:
    r"""``string_unescape_any``: ``\n``, ``\101``, ``\x41`` and so on."""

    def plain(match: re.Match[str]) -> str:
        octal, hexadecimal, control = match.groups()
        if control is not None:
            return _CONTROL[control]
        return chr(int(octal, 8) & 0xFF if octal else int(hexadecimal, 16))

    # Bytes are handled as the characters of the same number, so that \xHH is one byte.
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return _ESCAPE.sub(plain, raw).encode("latin-1")


class _Ctl:
    """One command a write."""

    def __init__(self, remote: SimRemote, faults: SimFaults) -> None:
        self._remote = remote
        self._faults = faults

    def write(self, data: bytes) -> None:
        """E2BIG, EINVAL, or what the command says."""
        if len(data) > 4096:
            raise error(errno.E2BIG)
        text = data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape").strip(" \t\n\v\f\r")
        word, _, rest = text.partition(" ")
        if word.startswith("fail_") and word[5:] in self._faults.codes:
            self._faults.codes[word[5:]] = _number(rest)
        elif word in _COMMANDS:
            _COMMANDS[word](self, rest)
        else:
            raise error(errno.EINVAL)

    def _log(self, _rest: str) -> None:
        self._remote.clear_log()

    def _delay_start(self, rest: str) -> None:
        self._faults.delay_start = _number(rest)

    def _crash(self, rest: str) -> None:
        kind = _number(rest)
        self._remote.dead = True
        rproc_report_crash(self._remote.rproc, kind)

    def _services(self, rest: str) -> None:
        self._remote.services = rest[:SERVICES_SIZE]

    def _echo(self, rest: str) -> None:
        self._remote.echo = rest.startswith("1")

    def _hold(self, rest: str) -> None:
        self._remote.hold = rest.startswith("1")

    def _ns(self, rest: str) -> None:
        verb, name, addr, vdev, *_ = [*rest.split(" "), "", "", "", ""]
        number = _number(vdev) if vdev else 0
        if number >= SIM_MAX_VDEV:
            raise error(errno.EINVAL)
        self._remote.ns(name, _number(addr), destroy=verb == "destroy", vdev=number)

    def _addresses(self, rest: str) -> tuple[int, int, str]:
        src, _, rest = rest.partition(" ")
        dst, _, rest = rest.partition(" ")
        return _number(src), _number(dst), rest

    def _send(self, rest: str) -> None:
        src, dst, text = self._addresses(rest)
        self._remote.send(src, dst, string_unescape(text))

    def _flood(self, rest: str) -> None:
        src, dst, count = self._addresses(rest)
        for number in range(_number(count)):
            self._remote.send(src, dst, b"m%03d" % number)

    def _fill(self, rest: str) -> None:
        src, dst, length = self._addresses(rest)
        if _number(length) > FILL_MAX:
            raise error(errno.EMSGSIZE)
        self._remote.send(src, dst, b"x" * _number(length))

    def _trace(self, rest: str) -> None:
        da, _, text = rest.partition(" ")
        self._remote.write(_number(da), string_unescape(text))


_COMMANDS: dict[str, Callable[[_Ctl, str], None]] = {
    "delay_start": _Ctl._delay_start,
    "crash": _Ctl._crash,
    "services": _Ctl._services,
    "echo": _Ctl._echo,
    "hold": _Ctl._hold,
    "ns": _Ctl._ns,
    "send": _Ctl._send,
    "flood": _Ctl._flood,
    "fill": _Ctl._fill,
    "trace": _Ctl._trace,
    "log": _Ctl._log,
}
