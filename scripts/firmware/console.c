/* SPDX-License-Identifier: MIT */
/*
 * A virtio console whose config space says how large it is. Lines are commands:
 *
 *	ping		pong
 *	echo TEXT	TEXT
 *	cat N		the next N bytes, as they come
 *	size COLS ROWS	another size, in the config space
 *	lie		used entries that cannot be
 *
 * Other lines get no answer: a terminal echoes what it is sent, also answers. Built with
 * SERIAL it is a virtio serial port of remoteproc, which sends all back.
 */
#include "table.h"
#include "virtqueue.h"

#ifdef SERIAL
#define DEVICE 11
#define FEATURES 0
#else
#define DEVICE 3
#define FEATURES 1 /* VIRTIO_CONSOLE_F_SIZE */
#endif
#define RING {.da = ADDR_ANY, .align = 16, .num = 8, .notifyid = ADDR_ANY}

__attribute__((section(".resource_table"), used)) static volatile struct {
	uint32_t ver, num, reserved[2], offset[3];
	struct rsc_carveout log;
	struct rsc_trace trace;
	struct rsc_vdev vdev;
	struct {
		uint16_t cols, rows;
		uint32_t max_nr_ports, emerg_wr;
	} config;
} table = {
	.ver = 1,
	.num = 3,
	.offset = {__builtin_offsetof(__typeof__(table), log),
		   __builtin_offsetof(__typeof__(table), trace),
		   __builtin_offsetof(__typeof__(table), vdev)},
	TRACE_TABLE,
	.vdev = {.type = RSC_VDEV, .id = DEVICE, .dfeatures = FEATURES,
		 .config_len = sizeof(table.config), .num_of_vrings = 2, .vring = {RING, RING}},
	.config = {.cols = 80, .rows = 25},
};

static struct queue to_host, from_host;
static char line[128];
static uint32_t line_len, verbatim; /* bytes to send back as they come */
static uint8_t held[4096];	    /* a buffer of the host's: its driver sends no more than a page */
static uint32_t held_len, held_done;

/* How much of it the host has taken; an answer that it has no room for is cut. */
static uint32_t send(const void *data, uint32_t len)
{
	uint32_t sent = 0, head, room;
	uint8_t *buffer;

	while (sent < len && (buffer = queue_next(&to_host, &head, &room))) {
		if (room > len - sent)
			room = len - sent;
		memcpy(buffer, (const uint8_t *)data + sent, room);
		queue_done(&to_host, head, room);
		sent += room;
	}
	return sent;
}

static uint32_t length(const char *text)
{
	uint32_t len = 0;

	while (text[len])
		len++;
	return len;
}

static void say(const char *text) { send(text, length(text)); }

/* What follows the word, 0 when the line does not begin with it. */
static const char *after(const char *word)
{
	uint32_t i;

	for (i = 0; word[i]; i++)
		if (line[i] != word[i])
			return 0;
	return line + i;
}

static const char *number(const char *text, uint32_t *value)
{
	*value = 0;
	while (*text == ' ')
		text++;
	while (*text >= '0' && *text <= '9')
		*value = *value * 10 + (uint32_t)(*text++ - '0');
	return text;
}

static void lie(void)
{
	uint32_t head, room;

	queue_push(&to_host, 999, 7);
	if (queue_next(&to_host, &head, &room)) {
		queue_done(&to_host, head, 0xffffffff);
		queue_push(&to_host, head, 7);
	}
	if (queue_next(&to_host, &head, &room))
		queue_done(&to_host, head, 0);
}

static void command(void)
{
	const char *rest;
	uint32_t value;

	if (after("ping")) {
		say("pong\n");
	} else if ((rest = after("echo "))) {
		say(rest);
		say("\n");
	} else if ((rest = after("cat "))) {
		number(rest, &verbatim);
	} else if ((rest = after("size "))) {
		rest = number(rest, &value);
		table.config.cols = (uint16_t)value;
		number(rest, &value);
		table.config.rows = (uint16_t)value;
		say("resized\n");
	} else if (after("lie")) {
		lie();
		say("lied\n");
	}
}

static void receive(char byte)
{
	if (byte != '\n' && byte != '\r') {
		if (line_len < sizeof(line) - 1)
			line[line_len++] = byte;
		return;
	}
	line[line_len] = 0;
	command();
	line_len = 0;
}

/*
 * Whether there is something to deal with. The buffer goes back before it is answered: a host
 * that has the answer may do away with the ring.
 */
static int hold(void)
{
	uint32_t head, len;
	uint8_t *buffer;

	while (held_done == held_len && (buffer = queue_next(&from_host, &head, &len))) {
		held_len = len < sizeof(held) ? len : sizeof(held);
		held_done = 0;
		memcpy(held, buffer, held_len);
		queue_done(&from_host, head, 0);
	}
	return held_done < held_len;
}

/* Deal with a part of it; 0 when the host has no room for answers. */
static int process(void)
{
	uint32_t len = held_len - held_done;

	if (!verbatim) {
		receive((char)held[held_done++]);
		return 1;
	}
	len = send(held + held_done, len < verbatim ? len : verbatim);
	held_done += len;
#ifndef SERIAL
	verbatim -= len;
#endif
	return len != 0;
}

static void start(void)
{
	wait_for_driver(&table.vdev);
	queue_init(&to_host, &table.vdev.vring[0]);
	queue_init(&from_host, &table.vdev.vring[1]);
	line_len = held_len = held_done = 0;
#ifdef SERIAL
	verbatim = ADDR_ANY;
#else
	verbatim = 0;
#endif
	trace("console: up\n");
}

int main(void)
{
	vsoc_init();
	vsoc_heartbeat(500);
	start();
	for (;;) {
		if (queue_was_reset(&to_host) || queue_was_reset(&from_host))
			start();
		while (hold() && process())
			;
		vsoc_wait();
	}
}
