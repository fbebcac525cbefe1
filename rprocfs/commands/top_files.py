"""What ``rprocfs top`` reads: the files of a mount."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rprocfs.errors import CommandError

T = TypeVar("T")
_COUNTERS = ("messages_out", "bytes_out", "messages_in", "bytes_in")
_RPROC = "sys/class/remoteproc"
_DEBUG = "sys/kernel/debug/remoteproc"


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor at one moment; what a strict mount hides, and who is not running, is None.

    *cpu* are seconds that the worker used, *rss* its memory in bytes; *vrings* are the lines
    of ``vrings`` as words and values.
    """

    name: str
    label: str | None
    state: str | None
    firmware: str | None
    engine: str | None
    pid: int | None
    cpu: float | None
    rss: int | None
    vrings: tuple[Mapping[str, int], ...] | None

    def total(self, counter: str) -> int | None:
        """The sum of a counter over the vrings."""
        return None if self.vrings is None else sum(vring[counter] for vring in self.vrings)


def sample(directory: Path) -> tuple[float, list[Processor]]:
    """The time, and the processors that are there now. CommandError: there is no mount."""
    try:
        names = [path.name for path in (directory / _RPROC).iterdir()]
    except OSError as failure:
        raise CommandError(f"{directory}: no board here: {failure.strerror}") from failure
    now = time.monotonic()
    found = [_processor(directory, name) for name in sorted(names, key=lambda n: (len(n), n))]
    return now, [one for one in found if one.state is not None]


def _processor(directory: Path, name: str) -> Processor:
    files, debug = directory / _RPROC / name, directory / _DEBUG / name
    worker = parse_worker(_read(debug / "worker") or "")
    pid, cpu, rss = (worker.get(word) for word in ("pid", "cpu", "rss"))
    vrings = _read(debug / "vrings")
    return Processor(
        name, _read(files / "name"), _read(files / "state"), _read(files / "firmware"),
        worker.get("engine"), _number(int, pid), _number(float, cpu), _number(int, rss),
        None if vrings is None else parse_vrings(vrings),
    )  # fmt: skip


def parse_worker(text: str) -> dict[str, str]:
    """The lines of a file ``worker``.

    It is made anew for each read(2). So if it grew meanwhile, its end is there twice, in part.
    """
    lines = (line.split(" ") for line in text.splitlines())
    return {words[0]: words[1] for words in reversed([*lines]) if len(words) == 2}


def parse_vrings(text: str) -> tuple[Mapping[str, int], ...]:
    """The lines of a file ``vrings``."""
    lines = (line.split() for line in text.splitlines())
    return tuple(
        dict(zip(words[::2], map(int, words[1::2]), strict=True)) for words in lines if words
    )


def _number(kind: Callable[[str], T], text: str | None) -> T | None:
    return None if text is None else kind(text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return None


def rates(
    before: tuple[float, Sequence[Processor]], after: tuple[float, Sequence[Processor]]
) -> list[dict[str, object]]:
    """The processors of *after* for JSON, with what passed a second since *before*.

    A rate is None if there was no processor or another boot of it before; ``cpu`` is in
    percent of one CPU.
    """
    seconds = max(after[0] - before[0], 1e-6)
    known = {processor.name: processor for processor in before[1]}
    return [_row(known.get(now.name), now, seconds) for now in after[1]]


def _row(old: Processor | None, now: Processor, seconds: float) -> dict[str, object]:
    def rate(new: float | None, past: float | None) -> float | None:
        if old is None or old.pid != now.pid or new is None or past is None or new < past:
            return None
        return round((new - past) / seconds, 1)

    cpu = rate(now.cpu, old.cpu if old else None)
    return {
        "name": now.name,
        "label": now.label,
        "state": now.state,
        "firmware": now.firmware,
        "engine": now.engine,
        "pid": now.pid,
        "cpu": None if cpu is None else round(cpu * 100, 1),
        "rss": now.rss,
        **{f"{word}_rate": rate(now.total(word), old.total(word) if old else None)
           for word in _COUNTERS},
        "vrings": None if now.vrings is None else [dict(vring) for vring in now.vrings],
    }  # fmt: skip
