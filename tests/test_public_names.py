"""``from rprocfs import ...``: the public names, imported when they are asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rprocfs

INIT = Path(rprocfs.__file__)


def _imports():
    """What the type checkers see: name -> module."""
    for node in ast.walk(ast.parse(INIT.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("rprocfs."):
            yield from ((alias.name, node.module) for alias in node.names)


def test_the_type_checkers_see_the_same_names():
    assert dict(_imports()) == rprocfs._HOMES
    assert sorted(rprocfs._HOMES) == sorted(rprocfs.__all__)


@pytest.mark.parametrize("name", rprocfs.__all__)
def test_each_is_that_of_its_module(name):
    assert getattr(rprocfs, name) is getattr(import_module(rprocfs._HOMES[name]), name)
    assert name in dir(rprocfs)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rprocfs' has no attribute 'nothing'"):
        _ = rprocfs.nothing


def test_nothing_is_imported_before_it_is_asked_for():
    program = "import sys, rprocfs; print([m for m in sys.modules if m.startswith('rprocfs.')])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        cwd=INIT.parents[1],
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_mypy_knows_the_types(tmp_path):
    """reveal_type() of what comes through the lazy import is not Any."""
    user = tmp_path / "user.py"
    user.write_text(
        "from rprocfs import System, rproc_get_by_phandle\n"
        "reveal_type(rproc_get_by_phandle(System().remoteproc, 7))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(user)],
        capture_output=True, text=True, check=False, cwd=INIT.parents[1],
    )  # fmt: skip
    assert 'Revealed type is "rprocfs.remoteproc.rproc.Rproc"' in done.stdout, done.stdout
