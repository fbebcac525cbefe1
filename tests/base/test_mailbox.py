"""Mailbox channels."""

import threading

from rprocfs.base.mailbox import MBOX_TX_QUEUE_LEN, PATIENCE, MboxChan


def test_what_was_not_taken_queues():
    rung, clock = [], [0.0]
    chan = MboxChan(lambda: rung.append(1), lambda: clock[0])
    assert all(chan.send_message() for _ in range(1 + MBOX_TX_QUEUE_LEN))
    clock[0] += PATIENCE
    assert not chan.send_message()
    assert len(rung) == 1
    for _ in range(MBOX_TX_QUEUE_LEN):
        chan.txdone()
    assert len(rung) == 1 + MBOX_TX_QUEUE_LEN
    chan.txdone()
    assert chan.send_message()
    assert len(rung) == 2 + MBOX_TX_QUEUE_LEN


def test_a_full_queue_is_no_error_of_a_core_that_takes_something_now_and_then():
    """It cannot take a doorbell as soon as a real one does; none that it needs is lost."""
    rung, clock = [], [0.0]
    chan = MboxChan(lambda: rung.append(1), lambda: clock[0])
    for _ in range(3):
        assert all(chan.send_message() for _ in range(10 * MBOX_TX_QUEUE_LEN))
        clock[0] += PATIENCE / 2
        chan.txdone()
    assert len(rung) == 4
    for _ in range(MBOX_TX_QUEUE_LEN):
        chan.txdone()
    assert len(rung) == 3 + MBOX_TX_QUEUE_LEN


def test_who_waits_is_told_that_it_was_taken():
    rung = threading.Event()
    chan = MboxChan(rung.set)
    remote = threading.Thread(target=lambda: (rung.wait(10), chan.txdone()))
    remote.start()
    assert chan.send_and_wait(10)
    remote.join()


def test_what_nobody_takes_is_given_up():
    rung = []
    chan = MboxChan(lambda: rung.append(1))
    assert not chan.send_and_wait(0.01)
    assert not chan.send_and_wait(0.01)
    assert len(rung) == 2


def test_a_full_queue_is_no_place_to_wait():
    chan = MboxChan(lambda: None)
    while chan.send_message():
        pass
    assert not chan.send_and_wait(10)


def test_what_is_under_way_can_be_sent_again():
    rung = []
    chan = MboxChan(lambda: rung.append(1))
    chan.resend()
    assert not rung
    chan.send_message()
    chan.resend()
    assert len(rung) == 2
    chan.txdone()
    chan.resend()
    assert len(rung) == 2
