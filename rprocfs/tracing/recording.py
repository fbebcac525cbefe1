"""Reads what :mod:`rprocfs.base.trace` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rprocfs.base.trace import HEAD, MAGIC, NUMBER, OFFSET, SYSTEM, Kind
from rprocfs.errors import CommandError

NUMBERS = frozenset({
    Kind.KICK, Kind.INTERRUPT, Kind.ENDPOINT, Kind.ENDPOINT_GONE, Kind.EXCEPTION,
    Kind.EXCEPTION_RETURN, Kind.LOST,
})  # fmt: skip
_KINDS = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: *time* in nanoseconds of CLOCK_MONOTONIC."""

    time: int
    kind: Kind
    track: int
    content: bytes

    @property
    def text(self) -> str:
        """Of one whose content is a text."""
        return self.content.decode("utf-8", "replace")

    @property
    def number(self) -> int:
        """Of one whose content is a number."""
        value: int = NUMBER.unpack(self.content)[0]
        return value


@dataclass(slots=True)
class Recording:
    """*events* in the order of their times; *tracks* are names by their numbers.

    *offset* and a time are nanoseconds since 1970.
    """

    offset: int
    tracks: dict[int, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def only(self, name: str) -> Recording:
        """That of one processor, with the kernel log. CommandError: there is none of that name."""
        if name not in self.tracks.values():
            there = ", ".join(sorted(self.tracks.values())) or "none"
            raise CommandError(f"the recording has no processor {name}, there are {there}")
        tracks = {number: known for number, known in self.tracks.items() if known == name}
        events = [event for event in self.events if event.track in (SYSTEM, *tracks)]
        return Recording(self.offset, tracks, events)


def read(path: Path) -> Recording:
    """The recording in a file, which may be written to meanwhile. CommandError, OSError."""
    content = path.read_bytes()
    begin = len(MAGIC) + OFFSET.size
    if not content.startswith(MAGIC) or len(content) < begin:
        raise CommandError(f"{path}: not what -o trace= writes")
    recording = Recording(OFFSET.unpack_from(content, len(MAGIC))[0])
    for event in _events(content, begin):
        if event.kind is Kind.TRACK:
            recording.tracks[event.track] = event.text
        else:
            recording.events.append(event)
    recording.events.sort(key=lambda event: event.time)
    return recording


def _events(content: bytes, at: int) -> Iterator[Event]:
    """Those that are whole; of a kind that is not known, none."""
    while at + HEAD.size <= len(content):
        time, kind, track, length = HEAD.unpack_from(content, at)
        at += HEAD.size
        if at + length > len(content):
            return
        if kind in _KINDS and (kind not in NUMBERS or length == NUMBER.size):
            yield Event(time, Kind(kind), track, content[at : at + length])
        at += length
