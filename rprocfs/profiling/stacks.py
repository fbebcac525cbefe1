"""From samples to the stacks of functions that they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from rprocfs.debuginfo.image import DebugInfo, DebugInfoError
from rprocfs.debuginfo.unwind import Memory, Unwinder
from rprocfs.engines.ring import SAMPLES
from rprocfs.errors import CommandError

#: Functions from the outermost to the innermost, and how many samples are of it.
Stacks = Counter[tuple[str, ...]]
UNKNOWN, EXCEPTION = "??", "<exception>"


def read(paths: Iterable[Path]) -> Stacks:
    """The stacks in *paths*: files of a store, or directories. CommandError: there is none."""
    found: Stacks = Counter()
    for path in paths:
        files = sorted(path.glob("*.samples")) if path.is_dir() else [path]
        if not files:
            raise CommandError(f"{path}: no samples were taken (-o profile={path})")
        for file in files:
            image = file.with_name(f"{file.name.partition('-')[0]}.elf")
            try:
                found += _stacks(image.read_bytes(), file.read_bytes())
            except OSError as failure:
                raise CommandError(f"{failure.filename}: {failure.strerror}") from failure
            except DebugInfoError as problem:
                raise CommandError(f"{image}: {problem}") from problem
    if not found:
        raise CommandError("no sample was taken: the firmware executed too little")
    return found


def _stacks(image: bytes, content: bytes) -> Stacks:
    unwinder = Unwinder(DebugInfo(image))
    found: Stacks = Counter()
    for at in range(0, len(content) - SAMPLES.slot.size + 1, SAMPLES.slot.size):
        *registers, psp, stack, process = SAMPLES.slot.unpack_from(content, at)
        memory = _memory({registers[13]: stack, psp: process})
        frames = unwinder.frames(tuple(registers), memory, psp or None)
        names: list[str] = []
        for frame in frames:
            if frame.interrupted:
                names.append(EXCEPTION)
            names.append(frame.function or UNKNOWN)
        found[tuple(reversed(names))] += 1
    return found


def _memory(stacks: dict[int, bytes]) -> Memory:
    def read_memory(address: int, size: int) -> bytes | None:
        for begin, content in stacks.items():
            offset = address - begin
            if offset >= 0 and offset + size <= len(content):
                return content[offset : offset + size]
        return None

    return read_memory


def folded(stacks: Stacks) -> Iterator[str]:
    """A line a stack, as flamegraph.pl and speedscope read them."""
    for names, count in sorted(stacks.items()):
        yield f"{';'.join(names)} {count}"


def table(stacks: Stacks) -> Iterator[str]:
    """Functions by how often they were sampled themselves; and with what they called."""
    total = stacks.total()
    own: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for names, count in stacks.items():
        own[names[-1]] += count
        all_.update(dict.fromkeys(names, count))
    del all_[EXCEPTION]
    yield f"{'SELF':>7} {'TOTAL':>7}  FUNCTION"
    for name in sorted(all_, key=lambda name: (-own[name], -all_[name], name)):
        yield f"{own[name] / total:7.1%} {all_[name] / total:7.1%}  {name}"
