/* SPDX-License-Identifier: MIT */
/* A service "rpmsg-raw" at address 1024: each message goes back to its sender. */
#include "table.h"

/* Two vrings at fixed addresses; ADDR_ANY lets the framework choose. */
RPMSG_TABLE(VRINGS, VRINGS + 0x1000);

/* Called by rpmsg_receive() for every message; 0: not now, show it to me again. */
static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	trace_number("echo: bytes 0x", len);
	return rpmsg_send(dst, src, data, len); /* 0: the host has no buffer for us now */
}

int main(void)
{
	vsoc_init();
	trace("app: started\n");
	vsoc_heartbeat(500);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-raw", 1024);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}
