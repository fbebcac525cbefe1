/* SPDX-License-Identifier: MIT */
/*
 * What the vendor's driver examples do, in their order: initialise, self test, the example, by
 * polling or by interrupts. A line on the console for each thing that is not as it should be, and
 * "peripherals: passed" at the end. Then a button, pin 22, is waited for.
 */
#include "trace_table.h"
#include "checks.h"

enum { PM_VERSION = 1, PM_NODE_STATUS = 3, PM_REQUEST_NODE = 13, PM_RELEASE_NODE = 14,
       PM_MMIO_READ = 20, PM_CHIPID = 24 };
enum { NODE_TTC_0 = 24, PMU = 0x10000 };
#define ADMA(n, offset) REG(0xffa80000u + 0x10000u * (n) + (offset))
#define RTC(offset) REG(0xffa60000u + (offset))
#define AMS(offset) REG(0xffa50000u + (offset))
#define SYSMON(offset) REG(0xffa50800u + (offset))
#define CAN(offset) REG(0xff060000u + (offset))
#define GPIO(offset) REG(0xff0a0000u + (offset))
#define QSPI(offset) REG(0xff0f0100u + (offset))

static volatile uint32_t copied, alarms, seconds;
static uint8_t source[4096], target[4096];
static struct { uint64_t address; uint32_t size, control; } lists[2][4]
	__attribute__((aligned(64)));

/* XPm_...(): a request to the PMU, and its response. */
static uint32_t pm(uint32_t function, uint32_t first, uint32_t second, uint32_t *values)
{
	volatile uint32_t *request = (void *)0xff9901c0u, *response = request + 8;

	while (IPI_REG(IPI_OBS) & PMU)
		;
	request[0] = function;
	request[1] = first;
	request[2] = second;
	request[3] = request[4] = 2; /* REQUEST_ACK_BLOCKING */
	IPI_REG(IPI_TRIG) = PMU;
	while (IPI_REG(IPI_OBS) & PMU)
		;
	for (int i = 0; i < 3; i++)
		values[i] = response[i + 1];
	return response[0];
}

static void power(void)
{
	uint32_t values[3];

	check(!pm(PM_VERSION, 0, 0, values) && values[0] == 0x10001, "XPm_GetApiVersion");
	check(!pm(PM_CHIPID, 0, 0, values) && values[0] == REG(0xffca0040u), "XPm_GetChipID");
	check(!pm(PM_REQUEST_NODE, NODE_TTC_0, 1, values), "XPm_RequestNode");
	check(!pm(PM_NODE_STATUS, NODE_TTC_0, 0, values) && values[2] == 1, "XPm_GetNodeStatus");
	check(!pm(PM_RELEASE_NODE, NODE_TTC_0, 0, values), "XPm_ReleaseNode");
	check(!pm(PM_MMIO_READ, 0xff5e0200u, 0, values) && values[0] == REG(0xff5e0200u), "XPm_MmioRead");
}

static void dma_done(void)
{
	copied |= ADMA(0, 0x100);
	ADMA(0, 0x100) = 0xfff;
}

static int same(uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (source[i] != target[i])
			return 0;
	return 1;
}

/* XZDma: reset, self test, a simple transfer, then three pieces by linear descriptors. */
static void dma(void)
{
	for (uint32_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(i * 7);
	ADMA(0, 0x200) = 0;
	ADMA(0, 0x10c) = 0xfff;
	ADMA(0, 0x100) = 0xfff;
	ADMA(0, 0x110) = 0x80;
	ADMA(0, 0x120) = 0x0483d20f;
	check(ADMA(0, 0x110) & 0x80, "XZDma_SelfTest");
	irq_set(109, 0x80, dma_done);
	ADMA(0, 0x108) = 0x400;
	ADMA(0, 0x128) = (uint32_t)source;
	ADMA(0, 0x138) = (uint32_t)target;
	ADMA(0, 0x130) = ADMA(0, 0x140) = sizeof(source);
	ADMA(0, 0x200) = 1;
	while (!(copied & 0x400))
		;
	check(same(sizeof(source)) && !(ADMA(0, 0x11c) & 3), "XZDma simple");
	for (int i = 0; i < 3; i++) {
		lists[0][i].address = (uint32_t)source + 512 * (2 - i);
		lists[1][i].address = (uint32_t)target + 512 * (2 - i);
		lists[0][i].size = lists[1][i].size = 512;
		lists[0][i].control = i == 2 ? 2 << 3 : 0;
	}
	for (uint32_t i = 0; i < sizeof(target); i++)
		target[i] = 0;
	barrier();
	copied = 0;
	ADMA(0, 0x110) = 0xc0;
	ADMA(0, 0x158) = (uint32_t)lists[0];
	ADMA(0, 0x160) = (uint32_t)lists[1];
	ADMA(0, 0x200) = 1;
	while (!(copied & 0x400))
		;
	check(same(1536) && !target[1536 + 1], "XZDma linear");
}

static void alarm(void)
{
	RTC(0x20) = 2;
	RTC(0x2c) = 2;
	alarms++;
}

static void second(void)
{
	RTC(0x20) = 1;
	seconds++;
}

/* XRtcPsu: seconds of 1/8 s here, for the calibration says so. */
static void rtc(void)
{
	RTC(0x08) = 0xfff;
	RTC(0x40) |= 1u << 24 | 1u << 31;
	RTC(0x20) = 3;
	RTC(0x2c) = 3;
	RTC(0x00) = 1001;
	while (!(RTC(0x20) & 1) || RTC(0x10) < 1001)
		;
	check(RTC(0x10) < 1100 && RTC(0x04) == 1001, "XRtcPsu_SetTime");
	irq_set(58, 0x80, alarm);
	irq_set(59, 0x80, second);
	RTC(0x18) = RTC(0x10) + 8;
	RTC(0x28) = 3;
	while (!alarms || seconds < 3)
		wfi();
	RTC(0x2c) = 3;
	check(alarms == 1 && RTC(0x10) >= 1009, "XRtcPsu alarm");
}

/* XSysMonPsu: the reset, the word that the driver waits for, the polled example. */
static void monitor(void)
{
	int milli;

	SYSMON(0x0c) = 0xffff;
	while (AMS(0x40) != 0x08010000)
		;
	SYSMON(0x144) = 0x55;
	check(SYSMON(0x144) == 0x55, "XSysMonPsu_SelfTest");
	SYSMON(0x0c) = 0xffff;
	SYSMON(0x104) &= ~0xf000u;
	SYSMON(0x100) = 1u << 12;
	SYSMON(0x120) = 0x4501;
	AMS(0x14) = AMS(0x14);
	SYSMON(0x104) |= 2u << 12;
	while (!(AMS(0x14) & 0x10))
		;
	milli = (int)((float)SYSMON(0) / 65536.0f / 0.00196342531f * 1000.0f - 280230.9f);
	check(milli > 44000 && milli < 46000, "XSysMonPsu temperature");
	milli = (int)(SYSMON(4) * 3000u >> 16);
	check(milli > 840 && milli < 860, "XSysMonPsu supply 1");
}

/* XCanPs_SelfTest(): configuration, loopback, a frame. */
static void can(void)
{
	static const uint32_t frame[4] = {2000u << 21, 8u << 28, 0x03020100, 0x07060504};
	uint32_t bad = 0;

	CAN(0x00) = 1;
	check(CAN(0x18) & 1, "XCanPs_Reset");
	CAN(0x08) = 29;
	CAN(0x0c) = 0x1af;
	CAN(0x04) = 2;
	CAN(0x00) = 2;
	while ((CAN(0x18) & 0xf) != 2)
		;
	for (uint32_t i = 0; i < 4; i++)
		CAN(0x30 + 4 * i) = frame[i];
	while (!(CAN(0x1c) & 0x80))
		;
	for (uint32_t i = 0; i < 4; i++)
		bad += CAN(0x50 + 4 * i) != frame[i];
	CAN(0x24) = 0x80;
	check(!bad && !(CAN(0x1c) & 0x80), "XCanPs_SelfTest");
}

static uint32_t qspi_wait(uint32_t flags)
{
	QSPI(0) |= 1u << 28;
	while ((QSPI(4) & flags) != flags)
		;
	return QSPI(0x20);
}

/* XQspiPsu_PolledTransfer(): the ID of a flash that is not there. */
static void qspi(void)
{
	QSPI(0x44) = 1;
	QSPI(4) = 2;
	QSPI(0x4c) = 7;
	QSPI(0) = 1u << 29;
	QSPI(0x14) = 1;
	QSPI(0x40) = 0x5404; /* chip select, the lower bus, SPI */
	QSPI(0x1c) = 0x9f;
	QSPI(0x40) = 0x15501;
	qspi_wait(0x180);
	QSPI(0x40) = 0x25503;
	check((qspi_wait(0x90) & 0xffffff) == 0xffffff, "XQspiPsu");
	QSPI(0x40) = 0x4404;
	qspi_wait(0x80);
	QSPI(0x14) = 0;
}

/* XGpioPs: a rising edge. */
static void pressed(void)
{
	GPIO(0x218) = 1u << 22;
	board_puts(GPIO(0x60) >> 22 & 1 ? "pressed\r\n" : "released\r\n");
}

static void button(void)
{
	GPIO(0x204) &= ~(1u << 22);
	GPIO(0x21c) |= 1u << 22;
	GPIO(0x220) |= 1u << 22;
	irq_set(48, 0x80, pressed);
	GPIO(0x210) = 1u << 22;
}

int main(void)
{
	board_init(0);
	power();
	dma();
	rtc();
	monitor();
	can();
	qspi();
	button();
	board_puts("peripherals: ");
	board_puts(failures ? "failed\r\n" : "passed\r\n");
	for (;;)
		wfi();
}
