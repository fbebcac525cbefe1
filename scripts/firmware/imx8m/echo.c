/* SPDX-License-Identifier: MIT */
/*
 * An echo for a real i.MX 8M: rpmsg-tty and rpmsg-client-sample, each message goes back to its
 * sender. A line that comes in by the UART goes back there. Sleeps without a tick.
 *
 * A letter to the channel rpmsg-crash says how to die: see crash().
 */
#include "table.h"

#ifndef FIRST
#define FIRST "rpmsg-tty"
#define SECOND "rpmsg-client-sample"
#endif
#ifndef TICK_HZ
#define TICK_HZ 0
#endif
#define CRASH 1026
#define NOWHERE 0x28000000u

struct table {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_vdev vdev;
	struct rsc_trace trace;
};

__attribute__((section(".resource_table"), used)) const struct table resource_table = {
	.ver = 1,
	.num = 2,
	.offset = {__builtin_offsetof(struct table, vdev), __builtin_offsetof(struct table, trace)},
	.vdev = {.type = RSC_VDEV,
		 .id = VIRTIO_ID_RPMSG,
		 .dfeatures = VIRTIO_RPMSG_F_NS,
		 .num_of_vrings = 2,
		 .vring = {{.da = VRING_BASE, .align = 4096, .num = 256, .notifyid = 0},
			   {.da = VRING_BASE + VRING_SIZE, .align = 4096, .num = 256,
			    .notifyid = 1}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "m_log"},
};

static void typed(void)
{
	while (UART_USR2 & USR2_RDR)
		UART_UTXD = UART_URXD & 0xff;
}

static void crash(uint8_t how)
{
	switch (how) {
	case 'u':
		__asm__ volatile("udf #1");
		break;
	case 'r':
		(void)REG(NOWHERE);
		break;
	case 'w':
		REG(NOWHERE) = 1;
		break;
	case 'j':
		((void (*)(void))(NOWHERE | 1))();
		break;
	case 'v':
		SCB_VTOR = NOWHERE;
		__asm__ volatile("udf #2");
		break;
	case 'l':
		__asm__ volatile("cpsid f\n\tudf #3");
		break;
	case 's':
		SCB_AIRCR = 0x05fa0004u;
		break;
	case 'd':
		WDOG1_WCR = WCR_WDE | WCR_SRS | WCR_WDA; /* half a second */
		irq_disable();
		for (;;)
			;
	}
}

static int handle(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	if (dst == CRASH && len == 1)
		crash(data[0]);
	return rpmsg_send(dst, src, data, len);
}

int main(void)
{
	volatile uint8_t *to = (volatile uint8_t *)RSC_TABLE;
	const uint8_t *from = (const uint8_t *)&resource_table;

	for (uint32_t i = 0; i < sizeof(resource_table); i++)
		to[i] = from[i];
	board_init(TICK_HZ);
	board_puts("echo: the core runs at ");
	board_number(core_hz);
	board_puts(" Hz\r\n");
	trace("echo: started\n");
	irq_set(UART4_IRQ, typed);
	UART_UCR1 |= UCR1_RRDYEN;
	rpmsg_start(&((volatile struct table *)RSC_TABLE)->vdev);
	rpmsg_announce(FIRST, 1024);
	rpmsg_announce(SECOND, 1025);
	rpmsg_announce("rpmsg-crash", CRASH);
	for (;;) {
		rpmsg_receive(handle);
		vsoc_wait();
	}
}
