/* SPDX-License-Identifier: MIT */
/* The resource table of an image that has a trace buffer, and nothing else. */
#ifndef TRACE_TABLE_H
#define TRACE_TABLE_H

#include "table.h"

struct table {
	uint32_t ver, num, reserved[2], offset[1];
	struct rsc_trace trace;
};

__attribute__((section(".resource_table"), used)) volatile struct table resource_table = {
	.ver = 1,
	.num = 1,
	.offset = {__builtin_offsetof(struct table, trace)},
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "rpu_log"},
};
#endif
