/* SPDX-License-Identifier: MIT */
/* Dies as it is told by a byte on the console: a fault of each kind. */
#include "trace_table.h"

/* Text that a fault leaves alone, for coredumps. */
static const char marker[] = "the crash of the R5F";

static void swdt(void)
{
	REG(0xff150004u) = 0x248u << 14; /* 4096 cycles of 8 */
	REG(0xff150000u) = 0xabcu << 12 | 3;
}

static void die(uint8_t how)
{
	switch (how) {
	case 'r': (void)REG(0xf8f00000u); break;		/* nothing is there */
	case 'w': REG(0xf8f00004u) = 1; break;
	case 'm': (void)REG(0x7fe00010u); break;		/* the MPU forbids it */
	case 'o': REG(0x7fd00020u) = 1; break;			/* the same, read only */
	case 'x': ((void (*)(void))0xff000000u)(); break;	/* devices are no code */
	case 'f': ((void (*)(void))0xf8000000u)(); break;
	case 'u': __asm__ volatile("udf #1"); break;
	case 'b': __asm__ volatile("bkpt #1"); break;
	case 's': RST_LPD_TOP = RST_LPD_TOP | 1u << CORE; break; /* its own reset */
	case 'd': swdt(); break;
	default: return;
	}
	for (;;)
		wfi();
}

int main(void)
{
	board_init(0);
	trace(marker);
	board_puts("crash: ready\r\n");
	for (;;)
		if (!(UART_REG(UART_SR) & SR_REMPTY))
			die((uint8_t)UART_REG(UART_FIFO));
}
