/* SPDX-License-Identifier: MIT */
/* Writes to its console and rings its doorbell as fast as it can. A test of the engines. */
#include "table.h"

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

int main(void)
{
	vsoc_init();
	trace("flood: started\n");
	for (;;) {
		for (uint8_t notifyid = 0; notifyid < 0xf0; notifyid++)
			mailbox_send(notifyid);
		console_puts("a line that nobody wants to read\n");
	}
}
