/* SPDX-License-Identifier: MIT */
/*
 * The order in which the driver examples of NXP's MCUXpresso SDK access the peripherals of an
 * i.MX 8M: GPT, PWM, GPIO, SEMA4, TMU, ECSPI, I2C, the UART's interrupts, RDC and WDOG. What they
 * poll has to come, and what they assert has to hold. Says `ok NAME` or `FAIL NAME VALUE` for each.
 */
#include "vsoc.h"
#include "drivers.h"

#define GPT2 0x302e0000u
#define PWM3 0x30680000u
#define GPIO1 0x30200000u
#define SEMA4 0x30ac0000u
#define TMU 0x30260000u
#define ECSPI1 0x30820000u
#define I2C3 0x30a40000u
#define RDC 0x303d0000u
#define RDC_SEMAPHORE1 0x303b0000u
#define WDOG3 0x302a0000u
enum { WDOG3_IRQ = 10, ECSPI1_IRQ = 31, I2C3_IRQ = 37, TMU_IRQ = 49, GPT2_IRQ = 54 };
enum { GPIO1_PIN3_IRQ = 60, PWM3_IRQ = 83 };
#define BYTE(address) (*(volatile uint8_t *)(address))
#define HALF(address) (*(volatile uint16_t *)(address))
#ifdef M7
#define TMU_ENABLED (1u << 30)
#define TMU_AVERAGE (1u << 26)
#define TMU_FLAG TMU_AVERAGE
#else
#define TMU_ENABLED (1u << 31)
#define TMU_AVERAGE (1u << 30)
#define TMU_FLAG (1u << 29)
#endif

static volatile uint32_t seen;

void check(const char *name, int good, uint32_t value)
{
	board_puts(good ? "ok " : "FAIL ");
	board_puts(name);
	if (!good) {
		board_puts(" ");
		board_number(value);
	}
	board_puts("\n");
}

static void wait_for(const char *name, uint32_t count)
{
	for (irq_disable(); seen < count; irq_disable()) {
		wfi();
		irq_enable();
	}
	irq_enable();
	check(name, 1, seen);
	seen = 0;
}

/* What interrupts of a device that is off by now have counted does not. */
static void settle(void)
{
	for (uint32_t i = 0; i < 100; i++)
		__asm__ volatile("dsb\n\tisb" ::: "memory");
	seen = 0;
}

/* GPT_Init() with the oscillator, as lpm.c of the low power demo; then a free running round. */
static void gpt_handler(void)
{
	REG(GPT2 + 8) = 1;
	seen++;
	barrier();
}

static void gpt(void)
{
	REG(GPT2) = 0;
	REG(GPT2) |= GPT_SWR;
	while (REG(GPT2) & GPT_SWR)
		;
	REG(GPT2) = 1u << 4 | 1u << 3 | 2;
	REG(GPT2) = (REG(GPT2) & ~(7u << 6)) | 1u << 10 | 5u << 6;
	REG(GPT2 + 4) = (REG(GPT2 + 4) & 0xfffu) | (3 - 1) << 12;
	REG(GPT2 + 0x10) = 8000 - 1;
	REG(GPT2 + 0xc) |= 1;
	irq_set(GPT2_IRQ, gpt_handler);
	REG(GPT2) |= GPT_EN;
	wait_for("gpt-osc", 5);
	REG(GPT2) &= ~1u;
	REG(GPT2 + 8) = 1;
	settle();
	REG(GPT2) |= GPT_FRR;
	REG(GPT2 + 0x10) = 40000 - 1;
	REG(GPT2) |= GPT_EN;
	wait_for("gpt-tickless", 1);
	check("gpt-runs-on", REG(GPT2 + 0x24) >= 40000 - 1, REG(GPT2 + 0x24));
	REG(GPT2) &= ~1u;
}

/* The example: 32768 Hz, a period of 32 counts, a sample for each interrupt. */
static void pwm_handler(void)
{
	if (REG(PWM3 + 4) & 8) {
		REG(PWM3 + 0xc) = ++seen;
		REG(PWM3 + 4) = 8;
	}
	barrier();
}

static void pwm(void)
{
	REG(PWM3) |= 8;
	while (REG(PWM3) & 8)
		;
	REG(PWM3) = 3u << 16 | 1u << 26;
	REG(PWM3 + 8) |= 1;
	for (uint32_t sample = 0; sample < 3; sample++)
		REG(PWM3 + 0xc) = sample;
	REG(PWM3 + 4) = 0x78;
	REG(PWM3 + 0x10) = 30;
	irq_set(PWM3_IRQ, pwm_handler);
	REG(PWM3) |= 1;
	wait_for("pwm", 5);
	REG(PWM3) &= ~1u;
	REG(PWM3 + 8) = 0;
	settle();
}

/* An output that interrupts by its own rising edge, and a toggle. */
static void gpio_handler(void)
{
	REG(GPIO1 + 0x18) = 1u << 3;
	seen++;
	barrier();
}

static void gpio(void)
{
	REG(GPIO1 + 0x14) &= ~(1u << 3);
	REG(GPIO1) &= ~(1u << 3);
	REG(GPIO1 + 4) |= 1u << 3;
	REG(GPIO1 + 0x1c) &= ~(1u << 3);
	REG(GPIO1 + 0xc) = (REG(GPIO1 + 0xc) & ~(3u << 6)) | 2u << 6;
	REG(GPIO1 + 0x18) = 1u << 3;
	REG(GPIO1 + 0x14) |= 1u << 3;
	irq_set(GPIO1_PIN3_IRQ, gpio_handler);
	for (uint32_t i = 0; i < 3; i++) {
		REG(GPIO1) ^= 1u << 3;
		__asm__ volatile("dsb\n\tisb" ::: "memory");
		for (uint32_t wait = 0; wait < 1000 && seen < i / 2 + 1; wait++)
			barrier();
	}
	check("gpio-edges", seen == 2 && REG(GPIO1 + 8) >> 3 & 1, seen);
	REG(GPIO1 + 0x14) = 0;
	settle();
}

/* SEMA4_TryLock(), SEMA4_Unlock(), SEMA4_ResetGate() */
static void sema4(void)
{
	HALF(SEMA4 + 0x48) |= 0x80;
	BYTE(SEMA4) = 2;
	check("sema4-lock", BYTE(SEMA4) == 2, BYTE(SEMA4));
	BYTE(SEMA4) = 0;
	check("sema4-unlock", BYTE(SEMA4) == 0, BYTE(SEMA4));
	BYTE(SEMA4 + 5) = 2;
	check("sema4-idle", !(HALF(SEMA4 + 0x100) & 0x30), HALF(SEMA4 + 0x100));
	HALF(SEMA4 + 0x100) = 0xe2;
	HALF(SEMA4 + 0x100) = 5 << 8 | 0x1d;
	check("sema4-reset", BYTE(SEMA4 + 5) == 0, BYTE(SEMA4 + 5));
	HALF(SEMA4 + 0x48) &= (uint16_t)~0x80u;
}

/* The example's threshold is below what is measured, so that it interrupts. */
static void tmu_handler(void)
{
	uint32_t flags = REG(TMU + 0xc);

	REG(TMU + 0xc) = flags;
	seen += flags == TMU_FLAG;
	if (seen == 3)
		REG(TMU + 8) = 0;
	barrier();
}

static void tmu(void)
{
	REG(TMU) |= 1;
	REG(TMU + 0x14) &= ~TMU_ENABLED;
	REG(TMU + 0x14) = (REG(TMU + 0x14) & ~0xffu) | 30;
	REG(TMU + 0x14) |= TMU_ENABLED;
	REG(TMU + 8) |= TMU_AVERAGE;
	irq_set(TMU_IRQ, tmu_handler);
	REG(TMU) |= 1u << 31;
	while (!(REG(TMU + 0x20) & TMU_ENABLED))
		;
	check("tmu-reading", (REG(TMU + 0x20) & 0xff) == 45, REG(TMU + 0x20));
	wait_for("tmu-threshold", 3);
	REG(TMU + 0x14) = 0;
	settle();
}

/* ecspi_loopback: 32 words by polling; then 64 by interrupts. */
static uint32_t out, in;

static void ecspi_handler(void)
{
	while (REG(ECSPI1 + 0x18) & 8)
		seen += REG(ECSPI1) == (0x5a000000u | in++);
	if (in == 64)
		REG(ECSPI1 + 0x10) = 0;
	for (uint32_t i = 0; i < 16 && out < 64; i++)
		REG(ECSPI1 + 4) = 0x5a000000u | out++;
	barrier();
}

static void ecspi(void)
{
	uint32_t good = 0;

	REG(ECSPI1 + 8) &= ~1u;
	REG(ECSPI1 + 8) = 1 | 1u << 4 | 1u << 3 | 31u << 20 | 3u << 12;
	REG(ECSPI1 + 0xc) = 0;
	REG(ECSPI1 + 0x20) |= 1u << 31;
	for (uint32_t i = 0; i < 32; i++) {
		while (!(REG(ECSPI1 + 0x18) & 1))
			;
		REG(ECSPI1 + 4) = i;
		while (!(REG(ECSPI1 + 0x18) & 8))
			;
		good += REG(ECSPI1) == i;
	}
	check("ecspi-polling", good == 32, good);
	irq_set(ECSPI1_IRQ, ecspi_handler);
	for (uint32_t i = 0; i < 16; i++)
		REG(ECSPI1 + 4) = 0x5a000000u | out++;
	REG(ECSPI1 + 0x10) |= 8 | 1u << 6;
	wait_for("ecspi-interrupt", 64);
	REG(ECSPI1 + 0x20) = 0;
	REG(ECSPI1 + 8) &= ~1u;
}

/* I2C_MasterTransferBlocking() to an address at which nobody is; then by the interrupt. */
static void i2c_handler(void)
{
	HALF(I2C3 + 0xc) = 0;
	seen++;
	barrier();
}

static void i2c(void)
{
	HALF(I2C3 + 8) = 0;
	HALF(I2C3) = 0;
	HALF(I2C3 + 4) = 0x15;
	HALF(I2C3 + 8) = 0x80;
	check("i2c-idle", !(HALF(I2C3 + 0xc) & 0x20), HALF(I2C3 + 0xc));
	HALF(I2C3 + 0xc) = 0;
	HALF(I2C3 + 8) |= 0x30;
	HALF(I2C3 + 0x10) = 0x7e << 1;
	while (!(HALF(I2C3 + 0xc) & 2))
		;
	HALF(I2C3 + 0xc) = 0;
	check("i2c-nack", HALF(I2C3 + 0xc) & 1, HALF(I2C3 + 0xc));
	HALF(I2C3 + 8) &= (uint16_t)~0x38u;
	while (HALF(I2C3 + 0xc) & 0x20)
		;
	irq_set(I2C3_IRQ, i2c_handler);
	HALF(I2C3 + 8) |= 0x70;
	HALF(I2C3 + 0x10) = 0x7e << 1 | 1;
	wait_for("i2c-interrupt", 1);
	HALF(I2C3 + 8) = 0;
	settle();
}

/* UART_TransferSendNonBlocking(): the empty FIFO asks for more. */
static const char line[] = "ok uart-interrupt\n";

static void uart_handler(void)
{
	if (UART_USR1 & USR1_TRDY && line[seen])
		UART_UTXD = (uint8_t)line[seen++];
	else
		UART_UCR1 &= ~(1u << 13);
	barrier();
}

static void uart(void)
{
	UART_UCR2 &= ~1u; /* what is left of it has to be as it was */
	while (!(UART_UCR2 & UCR2_SRST))
		;
	check("uart-reset", (UART_UCR2 & 7) == 7, UART_UCR2);
	irq_set(UART4_IRQ, uart_handler);
	UART_UCR1 |= 1u << 13;
	while (UART_UCR1 & 1u << 13)
		barrier();
	seen = 0;
}

/* rdc: what is closed faults until the handler opens it, by its policy or its semaphore. */
static volatile uint32_t policy, faults;

__attribute__((used)) static void open_it(void)
{
	faults++;
	if (policy & 1u << 30)
		BYTE(RDC_SEMAPHORE1) = 7;
	else
		REG(RDC + 0x400) = 0xff;
	SCB_CFSR = SCB_CFSR;
	barrier();
}

__attribute__((naked)) void bus_fault(void) { __asm__("b open_it"); }

static void touch(const char *name, uint32_t how)
{
	policy = how;
	faults = 0;
	REG(RDC + 0x400) = policy;
	(void)REG(GPIO1);
	check(name, faults == 1, faults);
}

static void rdc(void)
{
	SCB_SHCSR |= 1u << 17;
	REG(RDC + 0x204) = 1;
	check("rdc-domain", (REG(RDC + 0x24) & 0xf) == 1, REG(RDC + 0x24));
	touch("rdc-closed", 0xff & ~0xcu);
	touch("rdc-semaphore", 0xff | 1u << 30);
	BYTE(RDC_SEMAPHORE1) = 0;
	REG(RDC + 0x400) = 0xff;
	check("rdc-open", (REG(GPIO1 + 4) & 1u << 3) && faults == 1, faults);
}

/* wdog: an early warning, and one that is refreshed. */
static void wdog_handler(void)
{
	HALF(WDOG3 + 6) |= 1u << 14;
	seen++;
	barrier();
}

static void wdog(void)
{
	check("wdog-reason", HALF(WDOG3 + 4) & 0x10, HALF(WDOG3 + 4));
	HALF(WDOG3 + 6) = 1u << 15 | 0x40; /* half a second from now */
	HALF(WDOG3 + 8) = 0;
	irq_set(WDOG3_IRQ, wdog_handler);
	HALF(WDOG3) = 0x40u << 8 | 0x34;
	wait_for("wdog-warns", 1);
	HALF(WDOG3 + 2) = 0x5555;
	HALF(WDOG3 + 2) = 0xaaaa;
}

int main(void)
{
	board_console();
	gpt();
	pwm();
	gpio();
	sema4();
	tmu();
	ecspi();
	i2c();
	uart();
	rdc();
	rdc_memory();
	sdma();
	wdog();
	board_puts("done\n");
	for (;;) {
		HALF(WDOG3 + 2) = 0x5555;
		HALF(WDOG3 + 2) = 0xaaaa;
		wfi();
	}
}
