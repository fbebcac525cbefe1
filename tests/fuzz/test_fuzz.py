"""`scripts/fuzz`, small: hypothesis chooses the seeds, and finds the smallest one that fails."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.board import open_board
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Tree
from tests.fuzz.board import BOARD
from tests.fuzz.configfs import ConfigfsFuzz
from tests.fuzz.dtb import DtbFuzz
from tests.fuzz.errors import FuzzError, no_bugs
from tests.fuzz.wire import WireFuzz
from tests.fuzz.words import NAMES

STEPS = 200
SEEDS = st.integers(0, (1 << 32) - 1)


def _steps(fuzz, number=STEPS):
    with no_bugs(), fuzz:
        for _ in range(number):
            fuzz.step()


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    directory = tmp_path_factory.mktemp("boards")
    for name, text in BOARD.items():
        (directory / f"{name}.toml").write_text(text)
    return directory


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_wire(boards, seed):
    with open_board(str(boards / "wire.toml"), configfs=True) as system:
        _steps(WireFuzz(system.tree, random.Random(seed)))


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_configfs(boards, seed):
    with open_board(str(boards / "configfs.toml"), configfs=True) as system:
        _steps(ConfigfsFuzz(system, random.Random(seed)))


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_dtb(seed):
    _steps(DtbFuzz(random.Random(seed)))


def test_a_bug_is_found():
    """A fuzzer that finds nothing would find nothing."""
    tree = Tree()
    for name in set(NAMES) - {b"", b".", b"..", b"a/b"}:
        tree.root.add(os.fsdecode(name), DebugfsFile(lambda: b"%d" % (1 // 0), fresh=True))
    with pytest.raises(FuzzError):
        _steps(WireFuzz(tree, random.Random(1)), 20 * STEPS)
