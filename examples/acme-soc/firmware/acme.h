/* The DS2 for the kit's rpmsg.c and log.c. */
#include <stdint.h>

#define RAM_BASE 0x20000000u
#define RAM_SIZE 0x00100000u

extern char log_buffer[];
#define TRACE_ADDRESS ((uint32_t)log_buffer)
