/* SPDX-License-Identifier: MIT */
/* Requests to the system firmware over the secure proxy, polled, as start-up code makes them. */
#include "vsoc.h"

#define FLAG_ACK_ON_PROCESSED 2u
#define FLAG_ACK 2u
#define FLAG_ALLOW_FREQ_CHANGE (1u << 9)
#define ERROR (1u << 31)
#define COUNT 0xffu

static uint8_t sequence;

static uint32_t last_word(void) { return (SEC_PROXY_CONFIG >> 16) / 4 - 1; }

static void put(uint32_t thread, uint32_t word, uint32_t value)
{
	REG(SEC_PROXY_DATA(thread) + 4 * word) = value;
}

static uint32_t get(uint32_t thread, uint32_t word)
{
	return REG(SEC_PROXY_DATA(thread) + 4 * word);
}

/* body and answer are words behind the header; the first word of a message is the proxy's. */
static int request(uint16_t type, uint32_t flags, const uint32_t *body, uint32_t words,
		   uint32_t *answer, uint32_t answer_words)
{
	uint32_t last = last_word(), header;

	while (SEC_PROXY_STATUS(THREAD_RESPONSE) & COUNT)
		(void)get(THREAD_RESPONSE, last);
	if (SEC_PROXY_STATUS(THREAD_REQUEST) & ERROR)
		return 0;
	while (!(SEC_PROXY_STATUS(THREAD_REQUEST) & COUNT))
		;
	sequence++;
	put(THREAD_REQUEST, 1, type | HOST_M4_0 << 16 | (uint32_t)sequence << 24);
	put(THREAD_REQUEST, 2, flags | FLAG_ACK_ON_PROCESSED);
	for (uint32_t i = 0; i < words; i++)
		put(THREAD_REQUEST, 3 + i, body[i]);
	put(THREAD_REQUEST, last, 0);
	do {
		while (!(SEC_PROXY_STATUS(THREAD_RESPONSE) & COUNT))
			;
		header = get(THREAD_RESPONSE, 1);
	} while (header >> 24 != sequence);
	flags = get(THREAD_RESPONSE, 2);
	for (uint32_t i = 0; i < answer_words; i++)
		answer[i] = get(THREAD_RESPONSE, 3 + i);
	(void)get(THREAD_RESPONSE, last);
	return (header & 0xffff) == type && (flags & FLAG_ACK);
}

int tisci_version(char *description, uint32_t *abi)
{
	uint32_t words[10];

	if (!request(0x0002, 0, 0, 0, words, 10))
		return 0;
	memcpy(description, words, 32);
	*abi = words[8] >> 16 & 0xff;
	return 1;
}

/* A module that is off is turned on, and let out of reset. */
int tisci_module_on(uint32_t device)
{
	uint32_t body[3] = {device, 0, 2}, state[3];

	if (!request(0x0201, 0, body, 1, state, 3))
		return 0;
	if ((state[2] >> 8 & 0xff) == 1)
		return 1;
	return request(0x0200, 0, body, 3, 0, 0) && request(0x0202, 0, body, 2, 0, 0);
}

int tisci_get_hz(uint32_t device, uint8_t clock, uint64_t *hz)
{
	uint32_t body[3] = {device, clock, 0}, rate[2];

	if (!request(0x010e, 0, body, 3, rate, 2))
		return 0;
	*hz = (uint64_t)rate[1] << 32 | rate[0];
	return 1;
}

/* Gate it, look whether the frequency can be had, and set it. */
int tisci_set_hz(uint32_t device, uint8_t clock, uint64_t hz)
{
	uint32_t low = (uint32_t)hz, high = (uint32_t)(hz >> 32), rate[2];
	uint32_t which[3] = {device, clock, 0};
	uint32_t body[9] = {device, low, high, low, high, low, high, clock, 0};

	if (!request(0x0101, 0, which, 3, rate, 1) || !request(0x0104, 0, which, 3, rate, 2) ||
	    !(rate[0] & 0xff) || !request(0x0100, 0, which, 3, 0, 0))
		return 0;
	if (!request(0x010d, 0, body, 9, rate, 2) || rate[0] != low || rate[1] != high)
		return 0;
	which[1] |= 2 << 8;
	return request(0x010c, FLAG_ALLOW_FREQ_CHANGE, body, 9, 0, 0) &&
	       request(0x0100, 0, which, 3, 0, 0);
}
