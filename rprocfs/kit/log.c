/* SPDX-License-Identifier: MIT */
/* What needs no particular core: the trace buffer, and what the compiler calls. */
#include "vsoc.h"

static uint32_t trace_used;

/* The trace starts again at its beginning when it is full; the last byte stays 0. */
void trace(const char *text)
{
	volatile char *buffer = (volatile char *)TRACE_ADDRESS;
	uint32_t len = 0;

	while (text[len])
		len++;
	if (trace_used + len >= TRACE_SIZE) {
		memset((void *)TRACE_ADDRESS, 0, TRACE_SIZE);
		trace_used = 0;
	}
	for (uint32_t i = 0; i < len && i < TRACE_SIZE - 1; i++)
		buffer[trace_used++] = text[i];
}

void trace_number(const char *text, uint32_t value)
{
	char digits[12], *p = digits + 11;

	*p = 0;
	*--p = '\n';
	do {
		*--p = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value && p > digits);
	trace(text);
	trace(p);
}

#ifndef __linux__
void *memcpy(void *to, const void *from, unsigned size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, unsigned size)
{
	uint8_t *t = to;

	while (size--)
		*t++ = (uint8_t)byte;
	return to;
}
#endif
