"""The validator reports what could hang, though nothing does."""

import ast
import threading
from pathlib import Path

import pytest

from rprocfs.locking import VALIDATOR, LockClass, classes
from rprocfs.locking.classes import Kind
from rprocfs.locking.lockdep import Validator
from rprocfs.locking.mutex import CheckedCondition, CheckedLock, CheckedRLock

ROOT = Path(__file__).parents[2]
A, B, C = LockClass.DEVICE, LockClass.RPROC, LockClass.DEVICE_VDEV


@pytest.fixture
def validator():
    return Validator()


def _take(*locks):
    """One under the other, on a thread of its own."""

    def run():
        for lock in locks:
            lock.acquire()
        for lock in reversed(locks):
            lock.release()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_it_is_on_in_the_whole_suite():
    assert VALIDATOR is not None


def test_an_order_seen_in_each_direction(validator):
    first, second = CheckedLock(validator, A), CheckedRLock(validator, B)
    _take(first, second)
    assert validator.take_reports() == []
    _take(CheckedLock(validator, B), CheckedLock(validator, A))  # others of the same classes
    (report,) = validator.take_reports()
    assert "possible circular locking: device.mutex is taken under rproc.lock" in report
    assert "but rproc.lock was taken under device.mutex" in report
    assert report.count("lock.acquire()") == 2
    _take(second, first)
    assert validator.take_reports() == []


def test_a_cycle_of_three(validator):
    one, two, three = (CheckedLock(validator, kind) for kind in (A, B, C))
    _take(one, two)
    _take(two, three)
    assert validator.take_reports() == []
    _take(three, one)
    (report,) = validator.take_reports()
    assert report.count("lock.acquire()") == 3


def test_an_order_that_the_tree_does_not_allow(validator):
    """Nothing has taken them in the right one yet."""
    _take(CheckedLock(validator, B), CheckedLock(validator, A))
    (report,) = validator.take_reports()
    assert "device.mutex is taken under rproc.lock, which the tree of locks" in report


def test_two_of_a_class_and_one_twice(validator):
    lock, recursive = CheckedLock(validator, A), CheckedRLock(validator, B)
    _take(recursive, recursive)
    assert validator.take_reports() == []
    with lock, pytest.raises(RuntimeError, match=r"device\.mutex is taken again"):
        lock.acquire()
    _take(lock, CheckedLock(validator, A))
    assert "possible recursive locking" in validator.take_reports()[0]


def test_what_is_only_tried_has_no_order(validator):
    first, second = CheckedLock(validator, A), CheckedLock(validator, B)
    with second:
        assert first.acquire(blocking=False)
        first.release()
    assert validator.take_reports() == []


def test_what_a_spinlock_forbids(validator):
    with CheckedLock(validator, LockClass.MODEL):
        validator.might_sleep("waiting for a test")
        with CheckedLock(validator, A):
            pass
    reports = validator.take_reports()
    assert "waiting for a test under model.lock" in reports[0]
    assert "taking device.mutex under model.lock" in reports[1]
    with CheckedLock(validator, A):
        validator.might_sleep("waiting for a test")
    assert validator.take_reports() == []


def test_nothing_is_taken_under_a_leaf(validator):
    with CheckedLock(validator, LockClass.KMSG), CheckedLock(validator, LockClass.WAIT_QUEUE):
        pass
    assert "wait_queue_head is taken under logbuf_lock" in validator.take_reports()[0]


def test_no_message_to_fuse_under_a_lock(validator):
    validator.might_reply()
    assert validator.take_reports() == []
    with CheckedLock(validator, A):
        validator.might_reply()
    assert "a message to FUSE under device.mutex" in validator.take_reports()[0]


def test_a_wait_for_work_that_needs_what_the_waiter_holds(validator):
    queue, lock = object(), CheckedLock(validator, B)
    with validator.running(LockClass.RPROC_WORK, queue), lock:
        pass
    assert validator.take_reports() == []
    with lock:
        validator.waiting(LockClass.RPROC_WORK, queue)
    assert "rproc.crash_handler is taken under rproc.lock" in validator.take_reports()[0]


def test_a_condition_lets_go_while_it_waits(validator):
    condition = CheckedCondition(validator, LockClass.RX)
    said = []

    def say():
        with condition:
            said.append(True)
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=say)
        thread.start()
        assert condition.wait_for(lambda: said, 10)
    thread.join()
    assert validator.take_reports() == []
    with CheckedLock(validator, LockClass.MODEL), condition:
        condition.wait(0)
    assert "waiting for vrp.rx_lock under model.lock" in validator.take_reports()[0]


def test_all_locks_are_made_in_one_place():
    """Of a class; a barrier is no lock."""
    found = {}
    for path in [*(ROOT / "rprocfs").rglob("*.py"), *(ROOT / "mount").rglob("*.py")]:
        name = str(path.relative_to(ROOT))
        if name.startswith(("rprocfs/locking/", "rprocfs/virtio/barrier.py")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            word = getattr(called, "attr", getattr(called, "id", ""))
            if word in ("Lock", "RLock", "Condition") and name != "rprocfs/fs/wait.py":
                found[name] = node.lineno
    assert found == {}


def test_every_class_is_used_and_told_of():
    sources = [*(ROOT / "rprocfs").rglob("*.py"), *(ROOT / "mount").rglob("*.py")]
    text = "".join(path.read_text() for path in sources if path.name != Path(classes.__file__).name)
    page = (ROOT / "docs" / "explanation" / "locks.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    table = [f"| `{kind}` | {kind.kind.name.lower()} | {kind.guards} |" for kind in LockClass]
    assert lines == table
    for kind in LockClass:
        assert f"LockClass.{kind.name}" in text, kind


def test_leaves_stand_last():
    kinds = [kind.kind for kind in LockClass]
    assert kinds == sorted(kinds, key=lambda kind: (kind is Kind.LEAF, kind is Kind.SPIN))
