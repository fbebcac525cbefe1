"""poll, select and epoll on a mount: who sleeps in them is woken."""

import os
import select
import threading

import pytest

IN, OUT = select.POLLIN, select.POLLOUT


@pytest.fixture
def queue(mounted):
    with mounted.open("dev/queue", os.O_RDWR | os.O_NONBLOCK) as file:
        yield file


def later(function, *args):
    timer = threading.Timer(0.1, function, args)
    timer.start()
    return timer


def test_poll_is_woken(queue, sample):
    assert queue.poll(IN, 0.05) == 0
    timer = later(sample.queue.put, b"x")
    assert queue.poll(IN, 5) == IN
    timer.join()


def test_poll_is_woken_again_and_again(queue, sample):
    for number in range(20):
        timer = threading.Timer(0.01, sample.queue.put, (b"%d" % number,))
        timer.start()
        assert queue.poll(IN, 5) == IN
        assert queue.read(10) == b"%d" % number
        assert queue.poll(IN, 0) == 0
        timer.join()


def test_poll_is_woken_by_a_write_through_the_mount(queue, mounted):
    with mounted.open("dev/queue", os.O_WRONLY) as other:
        timer = later(other.write, b"x")
        assert queue.poll(IN, 5) == IN
        timer.join()


def test_select(queue, sample):
    assert select.select([queue], [queue], [], 0)[:2] == ([], [queue])
    timer = later(sample.queue.put, b"x")
    assert select.select([queue], [], [], 5)[0] == [queue]
    timer.join()


def test_room_to_write(queue, sample):
    for _ in range(4):
        queue.write(b"full")
    assert queue.poll(OUT, 0) == 0
    timer = later(queue.read, 10)
    assert queue.poll(OUT, 5) == OUT
    timer.join()


def test_epoll_level(queue, sample):
    with select.epoll() as epoll:
        epoll.register(queue, select.EPOLLIN)
        assert epoll.poll(0.05) == []
        timer = later(sample.queue.put, b"x")
        assert epoll.poll(5) == [(queue.fileno(), select.EPOLLIN)]
        assert epoll.poll(0) == [(queue.fileno(), select.EPOLLIN)]
        queue.read(10)
        assert epoll.poll(0) == []
        timer.join()


def test_epoll_edge(queue, sample):
    with select.epoll() as epoll:
        epoll.register(queue, select.EPOLLIN | select.EPOLLET)
        for _ in range(3):
            timer = later(sample.queue.put, b"x")
            assert epoll.poll(5) == [(queue.fileno(), select.EPOLLIN)]
            timer.join()
            assert queue.read(10) == b"x"
        assert epoll.poll(0.05) == []


def test_several_pollers_of_one_descriptor(queue, sample):
    got = []
    pollers = [threading.Thread(target=lambda: got.append(queue.poll(IN, 5))) for _ in range(5)]
    for poller in pollers:
        poller.start()
    timer = later(sample.queue.put, b"x")
    for poller in [*pollers, timer]:
        poller.join(10)
    assert got == [IN] * 5


def test_several_descriptors(mounted, sample):
    files = [mounted.open("dev/queue", os.O_RDONLY) for _ in range(5)]
    timer = later(sample.queue.put, b"x")
    assert select.select(files, [], [], 5)[0]
    assert set(select.select(files, [], [], 0)[0]) == set(files)
    timer.join()
    for file in files:
        file.close()


def test_closed_while_polled(mounted, sample):
    with select.epoll() as epoll:
        file = mounted.open("dev/queue", os.O_RDONLY)
        epoll.register(file, select.EPOLLIN)
        assert epoll.poll(0) == []
        file.close()
        with mounted.open("dev/queue", os.O_RDONLY) as other:
            epoll.register(other, select.EPOLLIN)
            sample.queue.put(b"x")
            assert epoll.poll(5) == [(other.fileno(), select.EPOLLIN)]


def test_closing_forgets_the_poller(mounted, sample):
    with mounted.open("dev/queue", os.O_RDONLY) as file:
        file.poll(IN, 0.01)
    with mounted.open("dev/queue", os.O_RDONLY) as file:
        file.poll(IN, 0)
    assert sample.queue.opened == 2
    for _ in range(200):
        if len(sample.queue.wait_queue) == 0 and sample.queue.released == 2:
            return
        threading.Event().wait(0.01)
    pytest.fail("a closed file is still listened for")
