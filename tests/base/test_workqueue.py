import threading
import weakref

from rprocfs.base.workqueue import Workqueue


def test_works_run_in_order_on_one_thread_and_flush_waits():
    queue, seen = Workqueue("test"), []
    for number in range(100):
        assert queue.queue_work(lambda n=number: seen.append((n, threading.current_thread().name)))
    queue.flush()
    assert seen == [(number, "test") for number in range(100)]
    queue.destroy()
    queue.destroy()
    assert not queue.queue_work(lambda: seen.append(None))


def test_a_failing_work_does_not_end_the_queue(caplog):
    queue, seen = Workqueue("test"), []
    queue.queue_work(lambda: 1 / 0)
    queue.queue_work(lambda: seen.append(1))
    queue.flush()
    queue.destroy()
    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text


def test_flush_and_destroy_from_the_queue_itself():
    queue, done = Workqueue("test"), threading.Event()

    def work():
        queue.flush()
        queue.destroy()
        done.set()

    queue.queue_work(work)
    assert done.wait(20)


def test_a_queue_that_was_never_used_has_no_thread():
    before = threading.active_count()
    queue = Workqueue("test")
    queue.flush()
    assert threading.active_count() == before
    queue.destroy()


def test_an_idle_queue_keeps_nothing_of_its_last_work():
    class Subject:
        def work(self):
            pass

    queue, subject = Workqueue("test"), Subject()
    alive = weakref.ref(subject)
    queue.queue_work(subject.work)
    del subject
    queue.flush()
    queue.flush()  # the work of the first flush is forgotten with the second one's
    assert alive() is None
    queue.destroy()
