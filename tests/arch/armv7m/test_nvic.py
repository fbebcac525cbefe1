import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.arch.armv7m.nvic import (
    BUSFAULT,
    FIRST_IRQ,
    HARDFAULT,
    IDLE,
    LOCKUP,
    NMI,
    PENDSV,
    SVCALL,
    USAGEFAULT,
    Nvic,
)

ISER, ICER, ISPR, ICPR, IABR, IPR, STIR = 0x100, 0x180, 0x200, 0x280, 0x300, 0x400, 0xF00


@pytest.fixture
def nvic():
    return Nvic(32, 8)


def irq(nvic, number, priority, pending=True):
    nvic.write(ISER, 4, 1 << number)
    nvic.write(IPR + number, 1, priority)
    if pending:
        nvic.pend(FIRST_IRQ + number)
    return FIRST_IRQ + number


def test_nothing_is_due_at_first(nvic):
    assert (nvic.takeable(), nvic.execution_priority(), nvic.next_pending()) == (0, IDLE, 0)


def test_disabled_interrupts_wait(nvic):
    nvic.write(ISPR, 4, 1)
    assert nvic.takeable() == 0
    nvic.write(ISER, 4, 1)
    assert nvic.takeable() == FIRST_IRQ
    nvic.write(ICER, 4, 1)
    assert (nvic.takeable(), nvic.read(ISPR, 4)) == (0, 1)
    nvic.write(ICPR, 4, 1)
    assert nvic.read(ISPR, 4) == 0


def test_the_higher_priority_preempts_and_the_lower_is_tail_chained(nvic):
    low = irq(nvic, 1, 0x80)
    nvic.activate(nvic.takeable())
    assert nvic.read(IABR, 4) == 2
    irq(nvic, 2, 0x80)
    assert nvic.takeable() == 0
    high = irq(nvic, 3, 0x40)
    assert nvic.takeable() == high
    nvic.activate(high)
    assert nvic.execution_priority() == 0x40
    nvic.deactivate(high)
    assert nvic.takeable() == 0
    nvic.deactivate(low)
    assert nvic.takeable() == FIRST_IRQ + 2


def test_equal_priorities_go_by_number(nvic):
    irq(nvic, 9, 0x20)
    irq(nvic, 4, 0x20)
    assert nvic.takeable() == FIRST_IRQ + 4


@pytest.mark.parametrize(
    ("masks", "due"),
    [
        ((0, 0, 0), True),
        ((1, 0, 0), False),
        ((0, 0x40, 0), False),
        ((0, 0x42, 0), True),
        ((0, 0x80, 0), True),
        ((0, 0, 1), False),
    ],
)
def test_masks(nvic, masks, due):
    number = irq(nvic, 0, 0x40)
    assert nvic.takeable(*masks) == (number if due else 0)
    nvic.pend(NMI)
    assert nvic.takeable(*masks) == NMI


def test_grouping_hides_the_subpriority_from_preemption(nvic):
    nvic.prigroup = 6
    irq(nvic, 0, 0xC0)
    nvic.activate(nvic.takeable())
    irq(nvic, 1, 0x80)
    assert nvic.takeable() == 0
    irq(nvic, 2, 0x7F)
    assert nvic.takeable() == FIRST_IRQ + 2
    nvic.prigroup = 7
    assert nvic.takeable() == 0


def test_fewer_bits_of_priority():
    nvic = Nvic(8, 3)
    irq(nvic, 0, 0xFF)
    assert nvic.read(IPR, 4) == 0xE0


def test_a_line_that_stays_high_while_its_handler_runs_is_one_interrupt(nvic):
    irq(nvic, 5, 0, pending=False)
    nvic.set_line(5, True)
    nvic.activate(FIRST_IRQ + 5)
    nvic.set_line(5, True)
    assert FIRST_IRQ + 5 not in nvic.pending
    nvic.set_line(5, False)
    nvic.set_line(5, True)
    assert FIRST_IRQ + 5 in nvic.pending
    nvic.set_line(5, False)
    nvic.deactivate(FIRST_IRQ + 5)
    assert FIRST_IRQ + 5 in nvic.pending


def test_a_level_is_pending_again_until_it_goes(nvic):
    number = irq(nvic, 5, 0, pending=False)
    nvic.set_line(5, True)
    nvic.activate(number)
    nvic.deactivate(number)
    assert nvic.takeable() == number
    nvic.write(ICPR, 4, 1 << 5)
    assert nvic.takeable() == number
    nvic.activate(number)
    nvic.set_line(5, False)
    nvic.deactivate(number)
    assert nvic.takeable() == 0


def test_software_trigger_and_what_does_not_exist(nvic):
    nvic.write(STIR, 4, 3)
    nvic.write(STIR, 4, 32)
    nvic.write(ISPR + 4, 4, 0xFFFFFFFF)
    nvic.write(IPR + 32, 4, 0xFFFFFFFF)
    assert nvic.pending == {FIRST_IRQ + 3}
    assert (nvic.read(IPR + 32, 4), nvic.read(0x004, 4), nvic.read(STIR, 4)) == (0, 0, 0)


def test_escalation(nvic):
    assert nvic.escalate(USAGEFAULT) == HARDFAULT
    nvic.enabled.add(USAGEFAULT)
    assert nvic.escalate(USAGEFAULT) == USAGEFAULT
    assert nvic.escalate(USAGEFAULT, primask=1) == HARDFAULT
    assert nvic.escalate(SVCALL, basepri=2) == SVCALL
    nvic.set_priority(SVCALL, 0x20)
    assert nvic.escalate(SVCALL, basepri=0x20) == HARDFAULT
    assert nvic.escalate(BUSFAULT, faultmask=1) == LOCKUP
    nvic.activate(HARDFAULT)
    assert nvic.escalate(USAGEFAULT) == LOCKUP
    nvic.deactivate(HARDFAULT)
    nvic.activate(NMI)
    assert nvic.escalate(HARDFAULT) == LOCKUP


def test_fixed_priorities_stay(nvic):
    nvic.set_priority(HARDFAULT, 0)
    nvic.set_priority(PENDSV, 0xFF)
    assert (nvic.priorities[HARDFAULT], nvic.priorities[PENDSV]) == (-1, 0xFF)


PRIORITIES = st.lists(st.integers(0, 255), min_size=1, max_size=32)


@given(PRIORITIES, st.integers(0, 7))
def test_handlers_nest_by_falling_group_and_all_are_served(priorities, prigroup):
    nvic = Nvic(32, 8)
    nvic.prigroup = prigroup
    for number, priority in enumerate(priorities):
        irq(nvic, number, priority)
    stack, served = [], []
    while stack or nvic.pending:
        number = nvic.takeable()
        if number:
            groups = [nvic.group(nvic.priorities[n]) for n in (*stack, number)]
            assert groups == sorted(groups, reverse=True)
            assert len(set(groups)) == len(groups)
            stack.append(number)
            nvic.activate(number)
        else:
            nvic.deactivate(stack[-1])
            served.append(stack.pop())
    assert sorted(served) == [FIRST_IRQ + n for n in range(len(priorities))]
