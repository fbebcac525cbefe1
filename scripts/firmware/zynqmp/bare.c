/* SPDX-License-Identifier: MIT */
/* No resource table: it says something, and sleeps. */
#include "vsoc.h"

int main(void)
{
	board_init(0);
	board_puts("bare: no table\r\n");
	for (;;)
		wfi();
}
