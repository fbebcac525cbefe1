"""Where the process of the Unicorn engine finds the machine that it is to execute."""

import types

import pytest

from rprocfs.engines.unicorn.engine import ROOT, search_path
from rprocfs.soc.vsoc import VSOC1


@pytest.mark.parametrize("file", ["elsewhere.py", "elsewhere/__init__.py"])
def test_a_machine_of_another_package(file, tmp_path, monkeypatch):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    machine = types.SimpleNamespace(name="m", source="elsewhere:M")
    assert search_path(machine) == (str(ROOT), str(tmp_path))


def test_one_of_ours():
    assert search_path(VSOC1) == (str(ROOT), str(ROOT))
