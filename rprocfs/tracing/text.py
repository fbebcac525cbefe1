"""A recording as lines."""

from __future__ import annotations

from collections.abc import Iterator

from rprocfs.base.trace import Kind
from rprocfs.lib.printable import printable
from rprocfs.tracing.names import exception, message
from rprocfs.tracing.recording import Event, Recording

#: Bytes of a message that are shown.
SHOWN = 16


def lines(recording: Recording) -> Iterator[str]:
    """A line an event: seconds since the first one, the processor, and what happened."""
    begin = recording.events[0].time if recording.events else 0
    width = max(map(len, ("system", *recording.tracks.values())))
    for event in recording.events:
        name = recording.tracks.get(event.track, "system")
        yield f"{(event.time - begin) / 1e9:12.6f}  {name:{width}}  {what(event)}"


def what(event: Event) -> str:
    """What happened."""
    kind = event.kind
    if kind in (Kind.TO, Kind.FROM):
        source, destination, data = message(event.content)
        shown = data[:SHOWN].hex(" ") + (" ..." if len(data) > SHOWN else "")
        way = "message to it" if kind is Kind.TO else "message from it"
        return f"{way:15} {source:#x} -> {destination:#x}, {len(data)} bytes: {shown}"
    words = {
        Kind.LOG: lambda: f"log: {event.text}",
        Kind.STATE: lambda: f"state: {event.text}",
        Kind.KICK: lambda: f"doorbell to it, vring {event.number}",
        Kind.INTERRUPT: lambda: f"doorbell from it, vring {event.number}",
        Kind.ENDPOINT: lambda: f"endpoint {event.number:#x}",
        Kind.ENDPOINT_GONE: lambda: f"endpoint {event.number:#x} is gone",
        Kind.CHANNEL: lambda: f"channel {event.text}",
        Kind.CHANNEL_GONE: lambda: f"channel {event.text} is gone",
        Kind.CONSOLE: lambda: f"console: {event.text!r}",
        Kind.EXCEPTION: lambda: f"takes {exception(event.number)}",
        Kind.EXCEPTION_RETURN: lambda: f"returns from {exception(event.number)}",
        Kind.LOST: lambda: f"{event.number} exceptions were lost",
    }
    return printable(words[kind]())
