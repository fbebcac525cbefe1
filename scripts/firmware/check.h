/* SPDX-License-Identifier: MIT */
/* A line for each check. */
#ifndef CHECK_H
#define CHECK_H

static void check(const char *name, int good, uint32_t value)
{
	board_puts(good ? "ok " : "FAIL ");
	board_puts(name);
	if (!good) {
		board_puts(" ");
		board_number(value);
	}
	board_puts("\n");
}
#endif
