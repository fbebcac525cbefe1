"""`scripts/fuzz`, small: hypothesis chooses the seeds, and finds the smallest one that fails."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.board import open_board
from tests.fuzz.board import BOARD
from tests.fuzz.configfs import ConfigfsFuzz
from tests.fuzz.dtb import DtbFuzz
from tests.fuzz.errors import no_bugs
from tests.fuzz.wire import WireFuzz

STEPS = 200
SEEDS = st.integers(0, (1 << 32) - 1)


def _steps(fuzz):
    with no_bugs(), fuzz:
        for _ in range(STEPS):
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


def test_a_traceback_is_found(boards):
    """A fuzzer that finds nothing would find nothing."""
    with open_board(str(boards / "configfs.toml"), configfs=True) as system:
        fuzz = ConfigfsFuzz(system, random.Random(1))
        fuzz._live = fuzz._set = fuzz._mkdir = lambda _name: None / 1
        with pytest.raises(TypeError):
            _steps(fuzz)
