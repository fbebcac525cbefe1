/* SPDX-License-Identifier: MIT */
/*
 * Echoes, but listens only some time after the host has rung its doorbell: the byte that
 * came meanwhile has to arrive all the same. A test of the engines.
 */
#include "table.h"

#define AFTER 2000000u

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, data, len);
}

int main(void)
{
#ifdef __linux__
	vsoc_init(); /* its memory is nowhere before */
#endif
	while (!(resource_table.vdev.status & VIRTIO_DRIVER_OK))
		;
	for (volatile uint32_t i = 0; i < AFTER; i++)
		;
#ifndef __linux__
	vsoc_init();
#endif
	vsoc_wait();
	trace("late: woken\n");
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-raw", 1024);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}
