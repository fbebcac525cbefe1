/* SPDX-License-Identifier: MIT */
/* Nothing but a trace, to which a line is added with every tick of the heartbeat. */
#include "table.h"

__attribute__((section(".resource_table"), used)) volatile struct trace_table resource_table = {
	.ver = 1, .num = 2,
	.offset = {__builtin_offsetof(struct trace_table, log),
		   __builtin_offsetof(struct trace_table, trace)},
	TRACE_TABLE};

void on_tick(uint32_t ticks)
{
	trace_number("trace: tick 0x", ticks);
}

int main(void)
{
	vsoc_init();
	trace("trace: started\n");
	console_puts("trace: started\n");
	vsoc_heartbeat(100);
	for (;;)
		vsoc_wait();
}
