/* SPDX-License-Identifier: MIT */
/* Two channels, rpmsg-raw and rpmsg-echo: each message goes back to its sender. */
#include "table.h"

RPMSG_TABLE(VRINGS, VRINGS + 0x1000);

static int echo(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	if (!rpmsg_send(dst, src, data, len))
		return 0;
	trace_number("echo: bytes 0x", len);
	return 1;
}

int main(void)
{
	vsoc_init();
	trace("echo: started\n");
	vsoc_heartbeat(500);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-raw", 1024);
	rpmsg_announce("rpmsg-echo", 1025);
	for (;;) {
		rpmsg_receive(echo);
		vsoc_wait();
	}
}
