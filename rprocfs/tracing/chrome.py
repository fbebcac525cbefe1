"""A recording as JSON of Chrome's Trace Event Format, for https://ui.perfetto.dev.

A processor is a process there, and its threads are what happens at it: states and exceptions as
slices, everything else as instants. Times are microseconds since the first event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rprocfs.base.trace import SYSTEM, Kind
from rprocfs.tracing.names import exception, message
from rprocfs.tracing.recording import Event, Recording
from rprocfs.tracing.text import what

THREADS = {
    "state": {Kind.STATE}, "exceptions": {Kind.EXCEPTION, Kind.EXCEPTION_RETURN, Kind.LOST},
    "doorbells": {Kind.KICK, Kind.INTERRUPT}, "messages": {Kind.TO, Kind.FROM},
    "channels": {Kind.ENDPOINT, Kind.ENDPOINT_GONE, Kind.CHANNEL, Kind.CHANNEL_GONE},
    "console": {Kind.CONSOLE}, "kernel log": {Kind.LOG},
}  # fmt: skip
_THREAD = {kind: number for number, kinds in enumerate(THREADS.values(), 1) for kind in kinds}


def trace_events(recording: Recording) -> str:
    """All of it."""
    events = [*_names(recording), *_events(recording)]
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"})


def _names(recording: Recording) -> Iterator[dict[str, Any]]:
    for track, name in [(SYSTEM, "system"), *recording.tracks.items()]:
        yield {"ph": "M", "name": "process_name", "pid": track, "args": {"name": name}}
        for number, thread in enumerate(THREADS, 1):
            about = {"ph": "M", "name": "thread_name", "pid": track, "tid": number}
            yield about | {"args": {"name": thread}}


def _events(recording: Recording) -> Iterator[dict[str, Any]]:
    begin = recording.events[0].time if recording.events else 0
    end = recording.events[-1].time if recording.events else 0
    open_: dict[tuple[int, int], list[Event]] = {}
    for event in recording.events:
        stack = open_.setdefault((event.track, _THREAD[event.kind]), [])
        if event.kind is Kind.STATE:
            # What it did is over; a handler that it crashed in was never left.
            for thread in (Kind.STATE, Kind.EXCEPTION):
                going_on = open_.pop((event.track, _THREAD[thread]), [])
                yield from (_slice(before, event.time, begin) for before in going_on)
            open_[event.track, _THREAD[Kind.STATE]] = [event]
        elif event.kind is Kind.EXCEPTION:
            stack.append(event)
        elif event.kind is Kind.EXCEPTION_RETURN:
            if stack:
                yield _slice(stack.pop(), event.time, begin)
        else:
            yield _instant(event, begin)
    for stack in open_.values():  # what was going on at the end
        yield from (_slice(event, end, begin) for event in stack)


def _place(event: Event, begin: int) -> dict[str, Any]:
    return {"pid": event.track, "tid": _THREAD[event.kind], "ts": (event.time - begin) / 1000}


def _slice(event: Event, end: int, begin: int) -> dict[str, Any]:
    name = event.text if event.kind is Kind.STATE else exception(event.number)
    return _place(event, begin) | {"ph": "X", "name": name, "dur": (end - event.time) / 1000}


def _instant(event: Event, begin: int) -> dict[str, Any]:
    about = _place(event, begin) | {"ph": "i", "s": "t", "name": what(event)}
    if event.kind in (Kind.TO, Kind.FROM):
        source, destination, data = message(event.content)
        about["name"] = f"{'to' if event.kind is Kind.TO else 'from'} it, {len(data)} bytes"
        about["args"] = {"src": source, "dst": destination, "size": len(data), "data": data.hex()}
    return about
