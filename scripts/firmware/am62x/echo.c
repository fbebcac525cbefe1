/* SPDX-License-Identifier: MIT */
/*
 * An echo for a real AM62x: ti.ipc4.ping-pong and rpmsg_chrdev, each message goes back to its
 * sender. A line that comes in by the UART goes back there. A tick of 1 kHz.
 *
 * A letter to the channel rpmsg-crash says how to die: see crash().
 */
#include "table.h"

#ifndef FIRST
#define FIRST "ti.ipc4.ping-pong"
#define SECOND "rpmsg_chrdev"
#define FIRST_ADDRESS 13
#define SECOND_ADDRESS 14
#else
#define FIRST_ADDRESS 1024
#define SECOND_ADDRESS 1025
#endif
#ifndef TICK_HZ
#define TICK_HZ 1000
#endif
#define CRASH 1026
#define NOWHERE 0x20000000u

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
		 .vring = {{.da = ADDR_ANY, .align = 4096, .num = 256, .notifyid = 1},
			   {.da = ADDR_ANY, .align = 4096, .num = 256, .notifyid = 2}}},
	.trace = {.type = RSC_TRACE, .da = LOG_ADDRESS, .len = TRACE_SIZE, .name = "trace:m4fss0_0"},
};

static void typed(void)
{
	while (UART_LSR & LSR_DR)
		UART_THR = UART_THR & 0xff;
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
	case 'm':
		mailbox_word(RP_MBOX_CRASH);
		break;
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
	char description[32];
	uint32_t abi = 0;

	board_init(TICK_HZ);
	board_puts("echo: the core runs at ");
	board_number(core_hz);
	board_puts(" Hz");
	if (tisci_version(description, &abi)) {
		description[31] = 0;
		board_puts(", SYSFW ");
		board_puts(description);
		board_puts(" ABI ");
		board_number(abi);
	}
	board_puts("\r\n");
	trace("echo: started\n");
	irq_set(UART_IRQ, typed);
	UART_IER = 1;
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce(FIRST, FIRST_ADDRESS);
	rpmsg_announce(SECOND, SECOND_ADDRESS);
	rpmsg_announce("rpmsg-crash", CRASH);
	for (;;) {
		rpmsg_receive(handle);
		vsoc_wait();
	}
}
