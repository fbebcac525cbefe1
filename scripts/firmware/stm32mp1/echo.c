/* SPDX-License-Identifier: MIT */
/*
 * OpenAMP's echo for a real STM32MP157: rpmsg-tty and rpmsg-client-sample, each message
 * goes back to its sender. Any line that comes in by UART4 goes back there.
 */
#include "table.h"

#ifndef FIRST
#define FIRST "rpmsg-tty"
#define SECOND "rpmsg-client-sample"
#endif
#define TICK_HZ 20 /* the LED is all that needs it */

struct table {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_vdev vdev;
	struct rsc_trace trace;
};

__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 2,
	.offset = {__builtin_offsetof(struct table, vdev), __builtin_offsetof(struct table, trace)},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = ADDR_ANY, .align = 16, .num = 16, .notifyid = 0},
			   {.da = ADDR_ANY, .align = 16, .num = 16, .notifyid = 1}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "cm4_log"},
};

/* The LED's port is shared with the A7: by semaphore 1, as in ST's examples. */
static void led_init(void)
{
	while (HSEM_RLR(1) != HSEM_MINE)
		;
	RCC_MC_AHB4ENSETR = 1u << 7;
	GPIO_MODER(GPIOH) = (GPIO_MODER(GPIOH) & ~(3u << 14)) | 1u << 14;
	HSEM_R(1) = HSEM_MINE & 0xffff;
}

void on_tick(uint32_t count)
{
	if (count % (TICK_HZ / 2) == 0)
		GPIO_BSRR(GPIOH) = count % TICK_HZ ? 1u << 7 : 1u << 23;
}

static void typed(void)
{
	while (UART4_ISR & ISR_RXNE)
		UART4_TDR = UART4_RDR;
}

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

int main(void)
{
	board_init(TICK_HZ);
	led_init();
	board_puts("echo: the M4 runs at ");
	board_number(mcu_hz);
	board_puts(" Hz\r\n");
	trace("echo: started\n");
	irq_set(UART4_IRQ, typed);
	UART4_CR1 |= CR1_RXNEIE;
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce(FIRST, 1024);
	rpmsg_announce(SECOND, 1025);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}
