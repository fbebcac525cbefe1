/* SPDX-License-Identifier: MIT */
/*
 * A thermometer on an STM32MP157 discovery kit: at every press of the user button (PA14, to
 * ground) the Cortex-M4 reads an LM75 at I2C5, says the temperature on UART4 and toggles the
 * orange LED (PH7). When the sensor pulls its OS output (PE1) low, it says so.
 * Registers are those of ST's reference manual RM0436.
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define MODER(port) REG(port)
#define PUPDR(port) REG((port) + 0x0c)
#define ODR(port) REG((port) + 0x14)
#define EXTI(offset) REG(0x5000d000u + (offset))
#define I2C5(offset) REG(0x40015000u + (offset))
#define UART4(offset) REG(0x40010000u + (offset))

enum { GPIOA = 0x50002000, GPIOE = 0x50006000, GPIOH = 0x50009000 };
enum { RTSR1 = 0x00, FTSR1 = 0x04, RPR1 = 0x0c, FPR1 = 0x10, EXTICR1 = 0x60, C2IMR1 = 0xc0 };
enum { CR1 = 0x00, CR2 = 0x04, ISR = 0x18, ICR = 0x1c, RXDR = 0x24, TXDR = 0x28 };
enum { TXIS = 1 << 1, RXNE = 1 << 2, NACKF = 1 << 4, STOPF = 1 << 5, TC = 1 << 6 };
enum { RD_WRN = 1 << 10, START = 1 << 13, AUTOEND = 1 << 25 };
enum { BUTTON = 14, ALARM = 1, LED = 7, SENSOR = 0x48 };
enum { EXTI1_IRQ = 7, EXTI14_IRQ = 121 };

static volatile uint32_t events;

static void put(const char *text)
{
	for (; *text; text++) {
		while (!(UART4(0x1c) & 0x80))
			;
		UART4(0x28) = (uint8_t)*text;
	}
}

static void put_number(uint32_t value)
{
	char digits[] = "0000000000", *at = digits + 10;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	put(at);
}

/* Waits for one of the flags. 0: the device does not acknowledge. */
static int flag(uint32_t flags)
{
	uint32_t seen;

	while (!((seen = I2C5(ISR)) & (flags | NACKF)))
		;
	if (!(seen & NACKF))
		return 1;
	I2C5(ICR) = NACKF | STOPF;
	return 0;
}

/* The register TEMP, in half degrees with an offset of 256. -1: there is no sensor. */
static int read_sensor(void)
{
	uint32_t high;

	I2C5(CR2) = SENSOR << 1 | 1 << 16 | START;
	if (!flag(TXIS))
		return -1;
	I2C5(TXDR) = 0;
	if (!flag(TC))
		return -1;
	I2C5(CR2) = SENSOR << 1 | 2 << 16 | RD_WRN | AUTOEND | START;
	if (!flag(RXNE))
		return -1;
	high = I2C5(RXDR);
	flag(RXNE);
	high = (high << 8 | I2C5(RXDR)) >> 7;
	flag(STOPF);
	I2C5(ICR) = STOPF;
	return (int)(high ^ 256);
}

static void report(void)
{
	int read = read_sensor();

	if (read < 0) {
		put("no sensor\n");
		return;
	}
	if (read < 256)
		put("-");
	read = read < 256 ? 256 - read : read - 256;
	put_number((uint32_t)read / 2);
	put(read & 1 ? ".5 C\n" : ".0 C\n");
}

static void pressed(void)
{
	EXTI(FPR1) = 1 << BUTTON;
	events |= 1;
}

static void alarm(void)
{
	EXTI(FPR1) = 1 << ALARM;
	events |= 2;
}

int main(void)
{
	MODER(GPIOA) &= ~(3u << 2 * BUTTON);
	PUPDR(GPIOA) |= 1u << 2 * BUTTON;
	MODER(GPIOE) &= ~(3u << 2 * ALARM);
	PUPDR(GPIOE) |= 1u << 2 * ALARM;
	MODER(GPIOH) = (MODER(GPIOH) & ~(3u << 2 * LED)) | 1u << 2 * LED;
	EXTI(EXTICR1) |= 4 << 8; /* line 1 is that of bank E; line 14 that of bank A */
	EXTI(FTSR1) |= 1 << BUTTON | 1 << ALARM;
	EXTI(C2IMR1) |= 1 << BUTTON | 1 << ALARM;
	REG(0xe000e100) = 1 << EXTI1_IRQ;
	REG(0xe000e100 + EXTI14_IRQ / 32 * 4) = 1 << EXTI14_IRQ % 32;
	UART4(0) = 1 | 4 | 8;
	I2C5(CR1) = 1;
	put("thermometer: ready\n");
	for (;;) {
		__asm__ volatile("cpsid i" ::: "memory");
		while (!events) {
			__asm__ volatile("wfi\n\tcpsie i\n\tisb\n\tcpsid i" ::: "memory");
		}
		uint32_t seen = events;
		events = 0;
		__asm__ volatile("cpsie i" ::: "memory");
		if (seen & 2)
			put("too hot\n");
		if (seen & 1) {
			ODR(GPIOH) ^= 1 << LED;
			report();
		}
	}
}

static void fault(void)
{
	for (;;)
		__asm__ volatile("udf #0");
}

typedef void (*vector)(void);
extern uint32_t stack_top[];
__attribute__((section(".vectors"), used)) static const vector vectors[16 + 150] = {
	[0] = (vector)stack_top, [1] = (vector)main, [2 ... 15] = fault,
	[16 + EXTI1_IRQ] = alarm, [16 + EXTI14_IRQ] = pressed,
};
