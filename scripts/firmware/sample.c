/* SPDX-License-Identifier: MIT */
/* The remote of the kernel's rpmsg_client_sample: a channel that answers each message. */
#include "table.h"

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

static int answer(uint32_t src, uint32_t dst, const uint8_t *data, uint32_t len)
{
	return rpmsg_send(dst, src, "goodbye!", 8);
}

int main(void)
{
	vsoc_init();
	vsoc_heartbeat(500);
	rpmsg_start(&resource_table.vdev);
	rpmsg_announce("rpmsg-client-sample", 1024);
	for (;;) {
		rpmsg_receive(answer);
		vsoc_wait();
	}
}
