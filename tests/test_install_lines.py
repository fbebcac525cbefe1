"""What the documentation tells people to install works where it says so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pip_installs_into_an_environment_what_there_is(page):
    """Debian refuses pip outside of one, and there is no release that a name would find."""
    text = page.read_text()
    assert not re.search(r"install\s+['\"]?rprocfs\b", text)
    for line in text.splitlines():
        for before in re.findall(r"(\S*\s*\S*)\bpip install", line):
            assert "/bin/" in before or "virtual environment" in line, line


def test_the_readme_names_the_command_of_ci():
    command = (ROOT / ".ci/run").read_text().splitlines()[-1].removeprefix("exec ")
    assert re.search(
        rf"^    {re.escape(command)}\b", (ROOT / "README.md").read_text(), re.MULTILINE
    )
