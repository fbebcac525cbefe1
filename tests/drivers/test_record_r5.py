"""What is recorded of a Cortex-R5F: lines, exceptions, samples, and the backtrace of a crash."""

import re

import pytest

from rprocfs.base.observe import Observe
from rprocfs.cli import main
from rprocfs.coverage.report import read
from tests.drivers.r5_debuggee import SOURCE

ROUNDS = 3000


@pytest.fixture
def recorded(debuggee, zcu102, tmp_path):
    """A boot that ends in a data abort; the directory with all of it, and the log."""
    image = debuggee(0, "thumb", ROUNDS)
    places = {name: str(tmp_path / f"r5.{name}") for name in ("coverage", "trace", "profile")}
    board = zcu102(observe=Observe(symbolize=True, **places))
    (tmp_path / image.name).write_bytes(image.read_bytes())
    board.start(0, image.name)
    board.wait(lambda: board.state(0) == "crashed")
    board.system.settle()
    log = board.log
    board.close()
    return places, log


def test_a_boot_and_its_crash(recorded, tmp_path, capsys):
    places, log = recorded
    lines = read([tmp_path / "r5.coverage"])[str(SOURCE)].lines
    text = SOURCE.read_text().splitlines()

    def times(has):
        return lines[next(number for number, line in enumerate(text, 1) if has in line)]

    assert times("counter = sensor;") == ROUNDS
    assert times("on_sgi(void)") == ROUNDS
    assert times("return REG(NOWHERE)") == 1

    assert main(["trace", places["trace"]]) == 0
    said = [re.sub(r"^ *[\d.]+  ", "", row) for row in capsys.readouterr().out.splitlines()]
    rows = [row.split("  ", 1)[1] for row in said if re.search("takes|returns", row)]
    assert rows[:2] == ["takes IRQ", "returns from IRQ"]
    assert rows[-1] == "takes Data Abort"
    assert rows.count("takes IRQ") == rows.count("returns from IRQ") == ROUNDS

    assert main(["profile", places["profile"]]) == 0
    shares = {row.split()[2]: row.split()[1] for row in capsys.readouterr().out.splitlines()[1:]}
    assert float(shares["main"].rstrip("%")) > 10
    assert "twice" in shares or "measure" in shares

    assert re.search(
        r"#0 +0x3ed\w+ in broken \(\) at \S*debuggee_r5.c:31\n.*#1 .*in main \(\)", log
    )
