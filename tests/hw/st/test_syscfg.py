from rprocfs.hw.st.bsec import Bsec
from rprocfs.hw.st.syscfg import Syscfg


def test_the_compensation_cell_is_ready_once_it_is_on():
    """As __HAL_RCC_SYSCFG and HAL_SYSCFG_EnableIOCompensation() do it on the M4."""
    syscfg = Syscfg(5)
    assert syscfg.read(syscfg.CMPCR, 4) & syscfg.READY == 0
    syscfg.write(syscfg.CMPENSETR, 4, 2)  # MCU_EN
    assert syscfg.read(syscfg.CMPCR, 4) & syscfg.READY
    syscfg.write(syscfg.CMPENCLRR, 4, 2)
    assert syscfg.read(syscfg.CMPENSETR, 4) == 0
    assert syscfg.read(syscfg.CMPCR, 4) & syscfg.READY == 0


def test_bits_are_set_and_cleared_each_by_its_register():
    syscfg = Syscfg(5)
    syscfg.write(syscfg.PMCSETR, 4, 0x0120_0000)
    syscfg.write(syscfg.PMCSETR, 4, 0x0000_0001)
    assert syscfg.read(syscfg.PMCSETR, 4) == 0x0120_0001
    syscfg.write(syscfg.PMCCLRR, 4, 0x0020_0000)
    assert syscfg.read(syscfg.PMCSETR, 4) == syscfg.read(syscfg.PMCCLRR, 4) == 0x0100_0001
    syscfg.write(syscfg.CMPCR, 4, syscfg.READY | 2)
    assert syscfg.read(syscfg.CMPCR, 4) == 2
    assert syscfg.read(syscfg.BOOTR, 4) == 5


def test_calibration_agrees_with_what_the_adc_reads():
    """The formulas of ST's LL driver, for 16 bits."""
    bsec, reading = Bsec(), 0x8000
    vrefint = bsec.read(0x252, 2)
    assert 3300 * vrefint // reading == 3300
    cal1, cal2 = bsec.read(0x25C, 2), bsec.read(0x25E, 2)
    assert cal2 > cal1
    assert (reading - cal1) * (130 - 30) // (cal2 - cal1) + 30 == 30


def test_fuses_cannot_be_written():
    bsec = Bsec()
    bsec.write(bsec.TS_CAL, 4, 0)
    assert bsec.read(bsec.TS_CAL, 2) == 0x8000
