/* SPDX-License-Identifier: MIT */
/* What HAL drivers of STM32CubeMP1 wait for, each with the timeout that they have. */
#include "cube.h"

#define UART4 0x40010000u
#define CRC2 0x4c004000u
#define RNG2 0x4c003000u
#define DMA1 0x48000000u
#define DMA2 0x48001000u
#define DMAMUX 0x48002000u
#define ADC1 0x48003000u
#define I2C5 0x40015000u
#define LPTIM1 0x40009000u
#define AT(base, offset) REG((base) + (offset))
enum { DMA2_STREAM0_IRQ = 56, DMA1_STREAM0_IRQ = 11, LPTIM1_IRQ = 93 };

static volatile uint32_t copied, sent, matches;
static uint32_t source[32], target[32];

static void dma2_stream0(void)
{
	copied += (AT(DMA2, 0) & 0x20) != 0;
	AT(DMA2, 8) = 0x3f;
}

static void dma1_stream0(void)
{
	sent += (AT(DMA1, 0) & 0x20) != 0;
	AT(DMA1, 8) = 0x3f;
	AT(UART4, 8) &= ~0x80u;
	AT(UART4, 0) |= 0x40;
}

static void uart4(void)
{
	AT(UART4, 0) &= ~0x40u;
	sent += 16;
}

static void lptim1(void)
{
	if (AT(LPTIM1, 0) & 2)
		matches++;
	AT(LPTIM1, 4) = AT(LPTIM1, 0);
}

static int wait_for(const volatile uint32_t *counter, uint32_t value)
{
	for (uint32_t begin = hal_ticks; *counter != value;)
		if (hal_ticks - begin > 500)
			return 0;
	return 1;
}

/* HAL_CRC_Calculate() with the values of the example CRC_UserDefinedPolynomial. */
static void crc(void)
{
	AT(CRC2, 0x14) = 155;
	AT(CRC2, 0x08) = 2u << 3;
	AT(CRC2, 0x10) = 0xffffffff;
	AT(CRC2, 0x08) |= 1;
	AT(CRC2, 0x00) = 0x1234;
	expect("crc", AT(CRC2, 0) == 0xef, AT(CRC2, 0));
}

static void rng(void)
{
	AT(RNG2, 0) |= 4;
	expect("rng-ready", hal_wait(RNG2 + 4, 1, 1, 2), AT(RNG2, 4));
	expect("rng", AT(RNG2, 8) != AT(RNG2, 8), 0);
}

/* HAL_DMA_Start_IT() between memories, as in DMA_FIFOMode. */
static void memory_to_memory(void)
{
	for (uint32_t at = 0; at < 32; at++)
		source[at] = at * 0x01010101u;
	irq_handler(DMA2_STREAM0_IRQ, 6, dma2_stream0);
	AT(DMA2, 0x10) &= ~1u;
	expect("dma-off", hal_wait(DMA2 + 0x10, 1, 0, 5), 0);
	AT(DMAMUX, 4 * 8) = 0;
	AT(DMA2, 0x24) = 7;
	AT(DMA2, 0x10) = 2u << 13 | 2u << 11 | 1u << 10 | 1u << 9 | 2u << 6;
	AT(DMA2, 8) = 0x3f;
	AT(DMA2, 0x14) = 32;
	AT(DMA2, 0x18) = (uint32_t)source;
	AT(DMA2, 0x1c) = (uint32_t)target;
	AT(DMA2, 0x10) |= 0x16;
	AT(DMA2, 0x10) |= 1;
	expect("dma", wait_for(&copied, 1), AT(DMA2, 0));
	expect("dma-data", target[31] == 0x1f1f1f1fu, target[31]);
}

/* HAL_UART_Init() and HAL_UART_Transmit_DMA() */
static void uart_dma(void)
{
	static const char text[] = "cube: sent by DMA\r\n";

	AT(UART4, 0) = 0;
	AT(UART4, 0x0c) = 104438964u / 115200u;
	AT(UART4, 0) = 0xc;
	AT(UART4, 0) |= 1;
	expect("teack", hal_wait(UART4 + 0x1c, 1u << 21, 1u << 21, 100), AT(UART4, 0x1c));
	expect("reack", hal_wait(UART4 + 0x1c, 1u << 22, 1u << 22, 100), AT(UART4, 0x1c));
	irq_handler(DMA1_STREAM0_IRQ, 6, dma1_stream0);
	irq_handler(UART4_IRQ, 6, uart4);
	AT(DMAMUX, 0) = 64;
	AT(DMA1, 0x24) = 0x20;
	AT(DMA1, 0x14) = sizeof(text) - 1;
	AT(DMA1, 0x18) = UART4 + 0x28;
	AT(DMA1, 0x1c) = (uint32_t)text;
	AT(DMA1, 0x10) = 1u << 10 | 1u << 6 | 0x1e;
	AT(DMA1, 0x10) |= 1;
	AT(UART4, 0x20) = 0x40;
	AT(UART4, 8) |= 0x80;
	expect("uart-dma", wait_for(&sent, 17), sent);
}

/* HAL_ADC_Init(), HAL_ADCEx_Calibration_Start(), HAL_ADC_Start(), HAL_ADC_PollForConversion() */
static void adc(void)
{
	AT(ADC1, 8) &= ~(1u << 29);
	AT(ADC1, 8) |= 1u << 28;
	AT(ADC1, 0x0c) = 2u << 2;
	AT(ADC1, 0x30) = 16u << 6;
	AT(ADC1, 8) |= 1u << 31 | 1u << 16;
	expect("adc-calibration", hal_wait(ADC1 + 8, 1u << 31, 0, 100), AT(ADC1, 8));
	AT(ADC1, 0) = 1;
	AT(ADC1, 8) |= 1;
	expect("adc-ready", hal_wait(ADC1, 1, 1, 2), AT(ADC1, 0));
	AT(ADC1, 8) |= 4;
	expect("adc-conversion", hal_wait(ADC1, 4, 4, 10), AT(ADC1, 0));
	expect("adc-value", AT(ADC1, 0x40) == 0x800, AT(ADC1, 0x40));
	AT(ADC1, 8) |= 2;
	expect("adc-off", hal_wait(ADC1 + 8, 1, 0, 2), AT(ADC1, 8));
}

/* HAL_I2C_IsDeviceReady() where no device is. */
static void i2c(void)
{
	AT(I2C5, 0) = 1;
	expect("i2c-busy", !(AT(I2C5, 0x18) >> 15 & 1), AT(I2C5, 0x18));
	AT(I2C5, 4) = 1u << 25 | 1u << 13 | 0x66;
	expect("i2c-stop", hal_wait(I2C5 + 0x18, 0x20, 0x20, 25), AT(I2C5, 0x18));
	expect("i2c-nack", AT(I2C5, 0x18) >> 4 & 1, AT(I2C5, 0x18));
	AT(I2C5, 0x1c) = 0x30;
}

/* HAL_LPTIM_Counter_Start_IT(): a match every 10 ms. */
static void lptim(void)
{
	uint32_t begin;

	REG(0x50000934u) = 4; /* the LSI */
	irq_handler(LPTIM1_IRQ, 6, lptim1);
	AT(LPTIM1, 0x0c) = 0;
	AT(LPTIM1, 0x10) |= 1;
	AT(LPTIM1, 4) = 0x10;
	AT(LPTIM1, 0x18) = 319;
	expect("lptim-arr", hal_wait(LPTIM1, 0x10, 0x10, 100), AT(LPTIM1, 0));
	AT(LPTIM1, 0x10) &= ~1u;
	AT(LPTIM1, 8) = 2;
	AT(LPTIM1, 0x10) |= 1;
	AT(LPTIM1, 0x10) |= 4;
	begin = hal_ticks;
	expect("lptim", wait_for(&matches, 3), matches);
	begin = hal_ticks - begin;
	expect("lptim-time", begin >= 25 && begin <= 60, begin);
	AT(LPTIM1, 0x10) &= ~1u;
	AT(LPTIM1, 8) = 0;
}

void drivers(void)
{
	crc();
	rng();
	memory_to_memory();
	uart_dma();
	adc();
	i2c();
	lptim();
}
