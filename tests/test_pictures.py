"""The pictures of the documentation show what rprocfs does today."""

import html
import importlib
import re
import sys

import pytest

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

PICTURES = ROOT / "docs/pictures"
DRAWN = sorted(path.stem for path in PICTURES.glob("*.svg"))
#: Their words depend on time: what is on them must be the same, not how often and where.
MOVING = ("top",)


def words(picture):
    """The words of a picture; numbers, as times are, all are 0."""
    text = " ".join(html.unescape(found) for found in re.findall(r">([^<]*)</text>", picture))
    text = re.sub(r"\d[\d.]*\w?\b|[▁-█]", "0", text)
    return text.replace("qemu", "unicorn").split()


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts/pictures.d"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'mount'}")
    yield lambda name: importlib.import_module(f"picture_{name}")
    for name in DRAWN:
        sys.modules.pop(f"picture_{name}", None)


@pytest.mark.parametrize("name", DRAWN)
def test_it_shows_what_is_so_today(drawn, name, monkeypatch):
    needs_fuse()
    module = drawn(name)
    if hasattr(module, "SECONDS"):
        monkeypatch.setattr(module, "SECONDS", 1)
    today, kept = words(module.draw()), words((PICTURES / f"{name}.svg").read_text())
    if name in MOVING:
        today, kept = set(today), set(kept)
    assert kept == today, f"docs/pictures/{name}.svg is old: run scripts/pictures {name}"


@pytest.mark.parametrize("name", DRAWN)
def test_it_loads_nothing(name):
    picture = (PICTURES / f"{name}.svg").read_text()
    assert set(re.findall(r"https?://[\w./]+", picture)) <= {"http://www.w3.org/2000/svg"}


def test_the_recording_is_short(drawn):
    length = re.search(r'dur="([\d.]+)s"', (PICTURES / "session.svg").read_text())
    assert float(length[1]) <= 15
