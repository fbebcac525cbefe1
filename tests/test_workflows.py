"""The workflows run scripts of the repository, and the action does what it says."""

import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTION = GITHUB / "actions/setup-rprocfs"


def _jobs():
    return [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]


def test_the_matrix_has_the_versions_of_the_classifiers():
    (versions,) = (job["strategy"]["matrix"]["python"] for job in _jobs() if "strategy" in job)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert versions == re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))


def test_what_is_run_is_there():
    lines = [step["run"] for job in _jobs() for step in job["steps"] if "run" in step]
    words = {word for line in lines for word in shlex.split(line)}
    scripts = {word for word in words if word.startswith("scripts/")}
    assert {"scripts/test", "scripts/demo", "scripts/release"} <= scripts
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts), scripts
    assert all((ROOT / word).exists() for word in words if word.startswith("rprocfs/"))


def test_actions_of_this_repository_are_there():
    used = [step["uses"] for job in _jobs() for step in job["steps"] if "uses" in step]
    ours = [name for name in used if name.startswith("./")]
    assert ours == ["./.github/actions/setup-rprocfs"]
    assert (ROOT / ours[0] / "action.yml").exists()


def test_no_workflow_has_a_secret_or_may_write():
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text()
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_the_action_gives_its_script_what_that_takes():
    (step,) = yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]
    taken = set(re.findall(r"\$\{?([A-Z_]+)", (ACTION / "install").read_text()))
    assert taken - set(step["env"]) == {"RUNNER_TEMP", "GITHUB_PATH", "GITHUB_OUTPUT"}


@pytest.mark.skipif(os.geteuid() != 0, reason="a runner has sudo")
def test_the_action_installs_a_command_that_runs_a_board(tmp_path):
    needs_fuse()
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
    files = {name: tmp_path / name for name in ("GITHUB_PATH", "GITHUB_OUTPUT")}
    environment = {"PYTHON": sys.executable, "REF": "", "PACKAGES": "pytest"}
    done = subprocess.run(
        [source / ".github/actions/setup-rprocfs/install"], cwd=tmp_path,
        env=os.environ | environment | files | {"RUNNER_TEMP": tmp_path, "PYTHONPATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "m4\n"), done.stderr
    venv = tmp_path / "rprocfs"
    assert files["GITHUB_PATH"].read_text() == f"{venv}/bin\n"
    assert files["GITHUB_OUTPUT"].read_text() == f"venv={venv}\n"
    plugins = subprocess.run(
        [venv / "bin/pytest", "--fixtures", "-q"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "rproc_board" in plugins.stdout


def test_read_the_docs_builds_what_is_there():
    """With a strict build, as tests/test_docs.py makes it."""
    settings = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text())
    assert (ROOT / settings["sphinx"]["configuration"]).exists()
    assert settings["sphinx"]["fail_on_warning"]
    (install,) = settings["python"]["install"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(install["extra_requirements"]) <= set(extras["optional-dependencies"])
