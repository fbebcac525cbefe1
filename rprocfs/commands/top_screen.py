"""The screen of ``rprocfs top``: the table, rates over time, rings, the kernel log, and keys.

Textual draws it. All that touches a file runs in threads that end with the process: a file of
a mount may block, and the screen must still obey.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.coordinate import Coordinate
from textual.widgets import DataTable, Footer, Input, Label, RichLog, Sparkline, Static

from rprocfs.commands import top_keys
from rprocfs.errors import CommandError

Rows = Sequence[Mapping[str, Any]]
Columns = Mapping[str, Sequence[str]]
#: How many samples a sparkline shows.
_HISTORY = 120
_RING_WIDTH = 24
_RATES = ("messages_out_rate", "messages_in_rate")


class Screen(App[int]):
    """What ``rprocfs top`` shows on a terminal; its result is the exit status.

    *readings* yields the rows of each sample, and ends when enough were shown; it is read in
    a thread, and waits in *ended*. *columns* cuts the rows to a width. *failure* is the
    CommandError that ended it, if one did.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    DataTable { height: auto; max-height: 50%; }
    #rates { height: 5; }
    #rates Vertical { width: 1fr; padding: 0 1; }
    Sparkline { height: 3; }
    #rings { height: auto; padding: 0 1; }
    #log { height: 1fr; border-top: solid $primary; }
    #text { display: none; }
    """
    BINDINGS: ClassVar[Any] = [
        ("s", "write('state', 'start')", "start"),
        ("x", "write('state', 'stop')", "stop"),
        ("c", "write('crash', '1')", "crash"),
        ("m", "message", "send a message"),
        ("q", "end(0)", "quit"),
        ("ctrl+c", "end(130)", ""),
        ("escape", "escape", ""),
    ]

    def __init__(
        self,
        where: Path,
        readings: Iterator[list[dict[str, Any]]],
        ended: threading.Event,
        columns: Callable[[Rows, int], Columns],
    ) -> None:
        super().__init__()
        self.where = where
        self.failure: CommandError | None = None
        self._readings, self._ended, self._columns = readings, ended, columns
        self._kernel_log = top_keys.KernelLog(where)
        self._rows: Rows = ()
        self._heads: tuple[tuple[str, ...], int] = ((), 0)  # what the table has
        self._history: dict[str, tuple[deque[float], ...]] = defaultdict(
            lambda: tuple(deque([0.0], maxlen=_HISTORY) for _ in _RATES)
        )

    def compose(self) -> ComposeResult:
        """The table above; the rates and rings of the chosen processor, and the log, below."""
        yield DataTable(cursor_type="row", id="processors")
        with Horizontal(id="rates"):
            for word in ("messages a second to it", "messages a second from it"):
                with Vertical():
                    yield Label(word)
                    yield Sparkline([0.0], summary_function=max)
        yield Static(id="rings", markup=False)
        yield RichLog(id="log", max_lines=1000, wrap=True)
        yield Input(placeholder="a message to its first channel", id="text")
        yield Footer()

    def on_mount(self) -> None:
        """Start to read; SIGTERM, which the caller blocks until here, restores the terminal."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.action_end, 128 + signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self._aside(self._read)

    def _aside(self, work: Callable[[], None]) -> None:
        """Run *work* in a thread that does not keep the process; its CommandError is shown."""

        def run() -> None:
            try:
                work()
            except CommandError as failure:
                self._in_loop(self.notify, str(failure), severity="error", markup=False)

        threading.Thread(target=run, name="top", daemon=True).start()

    def _in_loop(self, function: Callable[..., Any], *arguments: Any, **words: Any) -> None:
        """Call it in the loop; nothing happens if the screen has ended."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and not self._ended.is_set():
            loop.call_soon_threadsafe(lambda: self._running and function(*arguments, **words))

    def _read(self) -> None:
        try:
            for rows in self._readings:
                self._in_loop(self._show, rows, self._kernel_log.news())
        except CommandError as failure:
            self.failure = failure
        self._in_loop(self.action_end, 1 if self.failure else 0)

    def on_resize(self) -> None:
        """Fit the table to the new width at once."""
        self._draw()

    def on_data_table_row_highlighted(self) -> None:
        """Another processor is chosen."""
        self._draw_chosen()

    def _show(self, rows: Rows, log: Sequence[str]) -> None:
        self._rows = rows
        for row in rows:
            for past, rate in zip(self._history[row["name"]], _RATES, strict=True):
                past.append(row[rate] or 0.0)
        self._draw()
        for line in log:
            self.query_one("#log", RichLog).write(Text(line))

    def _draw(self) -> None:
        table = self.query_one(DataTable)
        columns = self._columns(self._rows, self.size.width - 2)
        lines = list(zip(*columns.values(), strict=True))[1:]
        if self._heads != (tuple(columns), len(lines)):
            self._heads = (tuple(columns), len(lines))
            chosen = table.cursor_row
            table.clear(columns=True)
            table.add_columns(*columns)
            table.add_rows(map(Text, line) for line in lines)
            table.move_cursor(row=chosen)
        for row, line in enumerate(lines):
            for column, cell in enumerate(line):
                at = Coordinate(row, column)
                if table.get_cell_at(at).plain != cell:
                    table.update_cell_at(at, Text(cell), update_width=True)
        self._draw_chosen()

    def _draw_chosen(self) -> None:
        row = self._chosen()
        if row is None:
            return
        for chart, past in zip(self.query(Sparkline), self._history[row["name"]], strict=True):
            chart.data = list(past)
        self.query_one("#rings", Static).update("\n".join(map(_ring, row["vrings"] or ())))

    def _chosen(self) -> Mapping[str, Any] | None:
        index = self.query_one(DataTable).cursor_row
        return self._rows[index] if index < len(self._rows) else None

    def action_write(self, name: str, text: str) -> None:
        """A key that writes a word to a file of the chosen processor."""
        if (row := self._chosen()) is not None:
            self._aside(lambda: top_keys.write(self.where, row["name"], name, text))

    def action_message(self) -> None:
        """Ask for the message."""
        line = self.query_one(Input)
        line.display = True
        line.focus()

    def action_escape(self) -> None:
        """Send none."""
        line = self.query_one(Input)
        line.display, line.value = False, ""
        self.query_one(DataTable).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send it, and show what comes back within a second."""
        text, row, log = event.value, self._chosen(), self.query_one("#log", RichLog)
        self.action_escape()

        def send() -> None:
            assert row is not None
            for line in top_keys.send(self.where, row["name"], text):
                self._in_loop(log.write, Text(line))

        if row is not None:
            self._aside(send)

    def action_end(self, status: int) -> None:
        """End with this exit status."""
        self._ended.set()
        self.exit(status)


def _ring(vring: Mapping[str, int]) -> str:
    held, num = vring["held"], vring["num"]
    full = round(_RING_WIDTH * held / num) if num else 0
    bar = "█" * full + "░" * (_RING_WIDTH - full)
    return f"vdev {vring['vdev']} vring {vring['vring']}  {bar}  it has {held} of {num} buffers"
