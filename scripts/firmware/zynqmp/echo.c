/* SPDX-License-Identifier: MIT */
/*
 * OpenAMP's echo for the RPU: each message goes back to its sender, any byte that comes in by the
 * UART goes back there. A tick of TICK_HZ, if that is not 0.
 */
#include "table.h"

#ifndef TICK_HZ
#define TICK_HZ 0
#endif

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
		 .vring = {{.da = ADDR_ANY, .align = 4096, .num = 256, .notifyid = 0},
			   {.da = ADDR_ANY, .align = 4096, .num = 256, .notifyid = 1}}},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "rpu_log"},
};

/* Where Linux finds the table of firmware that a boot loader has started: struct rsc_tbl_data. */
__attribute__((section(".rsc_tbl_data"), used)) static const struct {
	uint32_t version, magic, complement, size;
	volatile struct table *table;
	uint32_t high;
} rsc_tbl_data = {1, 0x78616d70u, ~0x78616d70u, sizeof(struct table), &resource_table, 0};

static void typed(void)
{
	while (!(UART_REG(UART_SR) & SR_REMPTY))
		UART_REG(UART_FIFO) = UART_REG(UART_FIFO);
	UART_REG(UART_ISR) = IXR_RTRIG;
}

/* Both cores count in OCM how often the other one has rung. */
void other_core(void) { OCM_WORD(CORE)++; }

/* "ring" rings the other core, too. */
static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	if (len == 4 && data[0] == 'r' && data[1] == 'i' && data[2] == 'n' && data[3] == 'g')
		IPI_REG(IPI_TRIG) = IPI_OTHER;
	return rpmsg_send(dst, src, data, len);
}

int main(void)
{
	board_init(TICK_HZ);
	board_puts("echo: the R5F runs\r\n");
	trace("echo: started\n");
	UART_REG(UART_RXWM) = 1;
	irq_set(UART_IRQ, 0xa0, typed);
	UART_REG(UART_IER) = IXR_RTRIG;
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-openamp-demo-channel", 1024);
	rpmsg_announce("rpmsg-raw", 1025);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}
