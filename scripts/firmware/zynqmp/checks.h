/* SPDX-License-Identifier: MIT */
/* A line for each thing that is not as it should be. */
#ifndef CHECKS_H
#define CHECKS_H

static unsigned failures;

static void check(int good, const char *what)
{
	if (good)
		return;
	failures++;
	board_puts("failed: ");
	board_puts(what);
	board_puts("\r\n");
}
#endif
