"""The tracefile of lcov -- :manpage:`geninfo(1)`, "FILES"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rprocfs.coverage.report import Source


def tracefile(sources: Mapping[str, Source]) -> str:
    """All of it."""
    return "".join(
        f"{line}\n" for path, source in sorted(sources.items()) for line in _record(path, source)
    )


def _record(path: str, source: Source) -> Iterator[str]:
    yield "TN:"
    yield f"SF:{path}"
    functions = sorted((line, name, count) for name, (line, count) in source.functions.items())
    yield from (f"FN:{line},{name}" for line, name, _ in functions)
    yield from (f"FNDA:{count},{name}" for _, name, count in functions)
    yield f"FNF:{len(functions)}"
    yield f"FNH:{sum(count > 0 for _, _, count in functions)}"
    yield from (f"DA:{line},{source.lines[line]}" for line in sorted(source.lines))
    yield f"LF:{len(source.lines)}"
    yield f"LH:{source.hit}"
    yield "end_of_record"
