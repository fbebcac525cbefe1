/* SPDX-License-Identifier: MIT */
/* What the replays of the SDK's drivers share. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include <stdint.h>

void check(const char *name, int good, uint32_t value);
void sdma(void); /* sdma.c */
void rdc_memory(void); /* rdc_memory.c */

#endif
