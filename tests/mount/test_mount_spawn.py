"""The process that serves a mount starts programs that touch it."""

import os
import subprocess

import pytest


def test_what_is_open_is_closed(mounted):
    fd = os.open(mounted.at("rw"), os.O_RDWR)
    try:
        assert subprocess.run(["/bin/true"], check=False).returncode == 0
        assert subprocess.run(["/bin/true"], check=False, close_fds=False).returncode == 0
    finally:
        os.close(fd)


def test_a_program_of_the_mount(mounted):
    with pytest.raises(PermissionError):
        subprocess.run([mounted.at("rw")], check=False)


def test_a_directory_of_the_mount(mounted):
    done = subprocess.run(["pwd"], cwd=mounted.at("dev"), capture_output=True, check=True)
    assert done.stdout.decode() == mounted.at("dev") + "\n"
