"""32 boards behind two exporters, four users at a time, and an exporter that dies."""

import glob
import re
import tempfile

import pytest

from rprocfs_fuse.testing.deadline import wait_until
from tests.labgrid.farm import PATIENCE, Farm
from tests.mount.conftest import needs_fuse

BOARDS, USERS = 32, 4
TEST = """
import pytest

PLACES = %s

@pytest.fixture(params=PLACES)
def target(request, env):
    target = env.get_target(request.param)
    target.get_driver("PowerProtocol").on()
    return target

def test_it_echoes(target):
    rproc = target.get_driver("RemoteprocDriver")
    rproc.boot("echo.elf")
    assert rproc.request("rpmsg-raw", target.name.encode(), timeout=60) == target.name.encode()

def test_all_are_on(env):
    for place in PLACES:
        assert env.get_target(place).get_driver("PowerProtocol").get()
"""
DRIVERS = """
    drivers:
      RprocfsPowerDriver: {}
      RprocfsCommandDriver: {}
      RemoteprocDriver: {}
"""
TARGET = """
  "%(place)s":
    resources:
      RemotePlace: {name: "%(place)s"}"""


def exported(places):
    """The file of an exporter. A group whose name is a number has a place of that name."""
    return "".join(f'"{place}":\n  RprocfsBoard: {{board: ""}}\n' for place in places)


def environment(places):
    targets = "".join(TARGET % {"place": place} + DRIVERS for place in places)
    return f"imports: [rprocfs_labgrid]\ntargets:{targets}"


def directories():
    """Those of keepers."""
    return set(glob.glob(f"{tempfile.gettempdir()}/rprocfs-board-*"))


@pytest.fixture
def farm(tmp_path, sshd_config):
    needs_fuse()
    lab = Farm(tmp_path, *sshd_config)
    yield lab
    lab.close()


#: A machine that runs much else takes ten times as long.
@pytest.mark.timeout(1500)
def test_four_users_of_32_boards(farm):
    places = [str(number) for number in range(BOARDS)]
    farm.export("east", exported(places[::2]))
    farm.export("west", exported(places[1::2]))
    jobs = []
    for user in range(USERS):
        mine = places[user::USERS]
        file, test = farm.here / f"user{user}.yaml", farm.here / f"test_user{user}.py"
        file.write_text(environment(mine))
        test.write_text(TEST % mine)
        jobs.append(farm.session(f"user{user}", file, test))
    for job in jobs:
        said, _ = job.communicate()
        assert job.returncode == 0, said
        assert f"{BOARDS // USERS + 1} passed" in said
        assert said.count("released place") == BOARDS // USERS
    assert farm.client("who")[1].split("\n")[1:] == [""]


def test_a_place_is_locked_and_its_board_stays_from_one_client_to_the_next(farm):
    farm.export("east", exported(["1"]))
    (farm.here / "env.yaml").write_text(environment(["1"]))
    on_it = ("-c", "env.yaml", "-p", "1")
    farm.done(*on_it, "acquire")
    status, said = farm.client("-p", "1", "acquire", user="other")
    assert (status, "already acquired by" in said) == (1, True)
    assert farm.done(*on_it, "power", "get").endswith("power for place 1 is off\n")
    farm.done(*on_it, "power", "on")
    assert farm.done(*on_it, "power", "get").endswith("power for place 1 is on\n")
    assert "released place 1" in farm.done(*on_it, "release")
    farm.done(*on_it, "acquire", user="other")
    assert farm.done(*on_it, "power", "get", user="other").endswith(" off\n")


def test_an_exporter_that_dies_is_reported_and_its_place_freed(farm):
    before = directories()
    farm.export("west", exported(["2"]))
    (farm.here / "env.yaml").write_text(environment(["2"]))
    on_it = ("-c", "env.yaml", "-p", "2")
    farm.done(*on_it, "acquire")
    farm.done(*on_it, "power", "on")
    assert "west/2/NetworkRprocfsBoard" in farm.client("resources")[1]
    farm.kill("west")
    gone = lambda: None if directories() - before else True  # noqa: E731
    wait_until(gone, PATIENCE, lambda: "the board to end with its exporter")
    farm.client_until(lambda said: "west" not in said, "resources")
    status, said = farm.client(*on_it, "power", "get")
    assert status == 1
    assert re.search("orphaned resource .exporter west disconnected", said)
    assert "released place 2" in farm.done(*on_it, "release")
    assert "acquired: None" in farm.client("-p", "2", "show")[1]

    farm.export("west", exported(["2"]))
    farm.done(*on_it, "acquire", user="other")
    assert farm.done(*on_it, "power", "get", user="other").endswith(" off\n")


def test_a_session_whose_exporter_dies_fails_with_one_line(farm):
    farm.export("west", exported(["3"]))
    (farm.here / "env.yaml").write_text(environment(["3"]))
    (farm.here / "test_it.py").write_text(
        "import os, signal\n"
        "def test_it(env):\n"
        "    target = env.get_target('3')\n"
        "    target.get_driver('PowerProtocol').on()\n"
        "    command = target.get_driver('CommandProtocol')\n"
        f"    os.kill({farm.pid('west')}, signal.SIGKILL)\n"
        "    command.poll_until_success('false', expected=126, sleepduration=0, timeout=60.0)\n"
        "    command.run_check('true')\n"
    )
    job = farm.session("somebody", farm.here / "env.yaml", farm.here / "test_it.py")
    said, _ = job.communicate()
    assert job.returncode == 1
    assert "nothing keeps the board any more: its exporter has ended" in said
    assert "released place 3" in said
