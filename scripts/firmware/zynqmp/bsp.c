/* SPDX-License-Identifier: MIT */
/*
 * What images of the vendor's standalone BSP do before and in main(): the MPU, the timer behind
 * sleep(), caches, and the self tests of the drivers. The console is not set up first: the boot
 * loader has done it.
 */
#include "bsp.h"

enum { DDR = 0x30b, STRONG = 0x304, DEVICE = 0x310 };
static uint32_t regions;

static void set_region(uint32_t number, uint32_t base, uint32_t log2, uint32_t attributes)
	__attribute__((section(".boot")));
static void set_region(uint32_t number, uint32_t base, uint32_t log2, uint32_t attributes)
{
	__asm__ volatile("dsb" ::: "memory");
	cp15_write(c6, c2, 0, number);
	__asm__ volatile("isb" ::: "memory");
	cp15_write(c6, c1, 0, base);
	cp15_write(c6, c1, 4, attributes);
	cp15_write(c6, c1, 2, (log2 - 1) << 1 | 1);
	sync();
}

__attribute__((section(".boot"), used)) void init_mpu(void)
{
	for (uint32_t n = 0; n < 16; n++) {
		cp15_write(c6, c2, 0, n);
		uint32_t size = cp15_read(c6, c1, 2) & ~1u;
		__asm__ volatile("dsb" ::: "memory");
		cp15_write(c6, c1, 2, size);
		sync();
	}
	set_region(0, 0x00000000u, 31, DDR);
	set_region(1, 0x80000000u, 30, STRONG); /* PL */
	set_region(2, 0xc0000000u, 29, DEVICE); /* QSPI */
	set_region(3, 0xe0000000u, 28, DEVICE); /* PCIe */
	set_region(4, 0xf8000000u, 24, DEVICE); /* CoreSight */
	set_region(5, 0xf9000000u, 20, DEVICE); /* GIC */
	set_region(6, 0xfd000000u, 24, DEVICE);
	set_region(7, 0xfe000000u, 24, DEVICE);
	set_region(8, 0xff000000u, 24, DEVICE);
	set_region(9, 0xfffc0000u, 18, DDR); /* OCM */
}

/* outbyte() */
void say(const char *text)
{
	for (; *text; text++) {
		while (UART_REG(UART_SR) & SR_TFUL)
			;
		UART_REG(UART_FIFO) = (uint8_t)*text;
	}
}

void expect(const char *what, int good, uint32_t value)
{
	char digits[12];

	if (good)
		return;
	for (int i = 0; i < 8; i++)
		digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
	digits[8] = '\r';
	digits[9] = '\n';
	digits[10] = 0;
	say("FAIL ");
	say(what);
	say(" ");
	say(digits);
}

static uint32_t irq_save(void)
{
	uint32_t cpsr;

	__asm__ volatile("mrs %0, cpsr" : "=r"(cpsr));
	__asm__ volatile("msr cpsr, %0" ::"r"(cpsr | 0xc0) : "memory", "cc");
	return cpsr;
}

static void irq_restore(uint32_t cpsr) { __asm__ volatile("msr cpsr, %0" ::"r"(cpsr) : "memory", "cc"); }

/* Xil_DCacheFlush(): by set and way, as CCSIDR says. */
static void dcache_flush(void)
{
	uint32_t cpsr = irq_save(), id, line, ways, sets;

	__asm__ volatile("mcr p15, 2, %1, c0, c0, 0\n\tmrc p15, 1, %0, c0, c0, 0" : "=r"(id) : "r"(0));
	line = (id & 7) + 4;
	ways = (id >> 3 & 0x3ff) + 1;
	sets = ((id >> 13 & 0x1ff) + 1) * 128 / ways >> line;
	for (uint32_t way = 0; way < ways; way++)
		for (uint32_t set = 0; set < sets; set++)
			cp15_write(c7, c14, 2, way << 30 | set << line);
	__asm__ volatile("dsb" ::: "memory");
	irq_restore(cpsr);
}

static void icache_invalidate(void)
{
	uint32_t cpsr = irq_save();

	__asm__ volatile("mcr p15, 2, %0, c0, c0, 0" ::"r"(1));
	cp15_write(c7, c5, 0, 0);
	__asm__ volatile("dsb" ::: "memory");
	irq_restore(cpsr);
}

static void dcache_flush_range(uint32_t address, uint32_t len)
{
	uint32_t cpsr = irq_save();

	__asm__ volatile("mcr p15, 2, %0, c0, c0, 0" ::"r"(0));
	for (uint32_t line = address & ~31u; line < address + len; line += 32)
		cp15_write(c7, c14, 1, line);
	__asm__ volatile("dsb" ::: "memory");
	irq_restore(cpsr);
}

void map(uint32_t address, uint32_t log2, uint32_t attributes)
{
	dcache_flush();
	icache_invalidate();
	set_region(regions++, address & -(1u << log2), log2, attributes);
}

/* XTime_StartTTCTimer(): TTC3, which nobody has set up. */
static void sleep_timer(void)
{
	uint32_t reset = REG(0xff5e0238u), control;

	if (reset & 1u << 14)
		REG(0xff5e0238u) = reset & ~(1u << 14);
	control = TTC_REG(3, TTC_CNT) | 1;
	TTC_REG(3, TTC_CNT) = control;
	TTC_REG(3, TTC_CLK) = TTC_REG(3, TTC_CLK) & ~1u;
	TTC_REG(3, TTC_CNT) = control & ~1u;
}

void usleep(uint32_t us)
{
	uint64_t high = 0, end;
	uint32_t last = TTC_REG(3, TTC_VAL), now;

	end = last + (uint64_t)us * (TTC_HZ / 1000000u);
	do {
		now = TTC_REG(3, TTC_VAL);
		if (now < last)
			high += 1ull << 32;
		last = now;
	} while ((high | now) < end);
}

/* XUartPs_CfgInitialize() and XUartPs_SelfTest() */
static void uart(void)
{
	static const char text[] = "abcdefghABCDEFGH012345677654321";
	uint32_t mode, mask, bad = 0;

	UART_REG(UART_CR) = (UART_REG(UART_CR) & ~0x3cu) | 0x28; /* off */
	UART_REG(0x18) = 0x7c;
	UART_REG(0x34) = 6;
	UART_REG(UART_CR) = 3;
	UART_REG(UART_CR) = (UART_REG(UART_CR) & ~0x3cu) | 0x14;
	UART_REG(4) = (UART_REG(4) & ~0xfeu) | 0x20;
	UART_REG(UART_RXWM) = 8;
	UART_REG(0x1c) = 1;
	UART_REG(0xc) = 0x3fff;
	mask = UART_REG(0x10);
	mode = UART_REG(4);
	UART_REG(4) = (mode & ~0x300u) | 0x200;
	for (uint32_t i = 0; i < sizeof(text); i++) {
		UART_REG(0xc) = 0x18;
		if (!(UART_REG(UART_SR) & SR_TFUL))
			UART_REG(UART_FIFO) = (uint8_t)text[i];
		while (UART_REG(UART_SR) & SR_REMPTY)
			;
		bad += (uint8_t)UART_REG(UART_FIFO) != (uint8_t)text[i];
	}
	UART_REG(UART_IER) = mask;
	UART_REG(4) = mode;
	expect("XUartPs_SelfTest", !bad, bad);
}

static void watchdog(void)
{
	uint32_t mode = REG(0xff150000u), other = mode ^ 0x70;

	REG(0xff150000u) = other;
	expect("XWdtPs_SelfTest", REG(0xff150000u) == mode, REG(0xff150000u));
	REG(0xff150000u) = other | 0xabc000u;
	expect("XWdtPs_SelfTest key", REG(0xff150000u) == other, REG(0xff150000u));
	REG(0xff150000u) = mode | 0xabc000u;
}

static volatile uint32_t rung_by;
static void rung(void)
{
	rung_by = IPI_REG(IPI_ISR);
	IPI_REG(IPI_ISR) = rung_by;
}

/* The self test of XIpiPsu, which rings itself; and a request to the PMU, as XPm_ makes it. */
static void ipi(void)
{
	const uint32_t self = CORE ? 0x200 : 0x100;
	volatile uint32_t *request = (void *)(CORE ? 0xff990200u : 0xff990000u);
	uint32_t polls = 0;

	IPI_REG(IPI_IDR) = 0x0f0f0301;
	IPI_REG(IPI_ISR) = 0x0f0f0301;
	gic_connect(IPI_IRQ, 1, rung);
	irq_enable();
	IPI_REG(IPI_IER) = self;
	request[0] = 0x1234;
	IPI_REG(IPI_TRIG) = self;
	while (!rung_by)
		;
	expect("XIpiPsu", rung_by == self && request[0] == 0x1234, rung_by);
	IPI_REG(IPI_IDR) = self;
	while (IPI_REG(IPI_OBS) & 0x10000)
		;
	request[7 * 16] = 1; /* PM_GET_API_VERSION */
	IPI_REG(IPI_TRIG) = 0x10000;
	while (IPI_REG(IPI_OBS) & 0x10000 && polls < 1000)
		polls++;
	expect("XIpiPsu_PollForAck", polls < 1000, polls);
	irq_disable();
}

void bsp_drivers(void)
{
	uint32_t first, enabled = 0, id = 0;

	sleep_timer();
	for (uint32_t n = 0; n < 16; n++) { /* Xil_InitializeExistingMPURegConfig() */
		cp15_write(c6, c2, 0, n);
		enabled += cp15_read(c6, c1, 2) & 1;
	}
	expect("MPU", enabled == 10, enabled);
	regions = enabled;
	first = cp15_read(c9, c13, 0);
	usleep(1000);
	first = cp15_read(c9, c13, 0) - first;
	expect("PMCCNTR", first >= 500000 / 64 - 1, first);
	expect("XGetPSVersion_Info", REG(0xffca0044u) & 0xf, REG(0xffca0044u));
	uart();
	watchdog();
	dcache_flush_range(RAM_BASE, 0x1000);
	gic_init();
	for (int i = 3; i >= 0; i--)
		id = id << 8 | REG(0xf9000ff0u + 4 * i);
	expect("XScuGic_SelfTest", id == 0xb105f00d, id);
	ipi();
}
