/* SPDX-License-Identifier: MIT */
/*
 * Writes what it must not: entries that cannot be, announcements that are none, messages to
 * nobody. A channel rpmsg-raw, whose messages say what to do: the trace tells when it is
 * done. Everything else is echoed. A test of the host.
 */
#include "table.h"
#include "virtqueue.h"

#define SERVICE 1024
#define NS_ADDRESS 53
#define FLOOD 2000

RPMSG_TABLE(ADDR_ANY, ADDR_ANY);

struct hdr {
	uint32_t src, dst, reserved;
	uint16_t len, flags;
	uint8_t data[];
};
struct ns_msg {
	char name[32];
	uint32_t addr, flags;
};

static struct queue to_host, from_host;

/* A message whose header says it has claimed bytes, in an entry that says it used used. */
static void send(uint32_t dst, const void *data, uint32_t len, uint32_t claimed, uint32_t used)
{
	uint32_t head, room;
	struct hdr *hdr;

	while (!(hdr = (struct hdr *)queue_next(&to_host, &head, &room)))
		vsoc_wait();
	if (len > room - sizeof(*hdr))
		len = room - sizeof(*hdr);
	hdr->src = SERVICE;
	hdr->dst = dst;
	hdr->reserved = 0;
	hdr->len = (uint16_t)claimed;
	hdr->flags = 0;
	memcpy(hdr->data, data, len);
	queue_done(&to_host, head, used);
}

static void say(uint32_t dst, const void *data, uint32_t len)
{
	send(dst, data, len, len, len + sizeof(struct hdr));
}

/* At most 32 bytes of the name, without a NUL behind them. */
static void announce(const char *name, uint32_t addr, uint32_t flags)
{
	struct ns_msg message;

	memset(&message, 0, sizeof(message));
	for (unsigned i = 0; i < sizeof(message.name) && name[i]; i++)
		message.name[i] = name[i];
	message.addr = addr;
	message.flags = flags;
	say(NS_ADDRESS, &message, sizeof(message));
}

static void ids(void)
{
	static const uint32_t bad[] = {32, 33, 255, 0xffff, 0x10000, 0x7fffffff, 0xffffffff};
	uint32_t head, room;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		queue_push(&to_host, bad[i], 16);
	while (!queue_next(&to_host, &head, &room))
		vsoc_wait();
	queue_done(&to_host, head, 16);
	queue_push(&to_host, head, 16); /* twice */
	queue_push(&from_host, 999, 0);
}

static void lengths(void)
{
	static const uint32_t bad[] = {0, 1, 15, 513, 0xffff, 0x80000000, 0xffffffff};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		send(SERVICE, "length", 6, 6, bad[i]);
	send(SERVICE, "header", 6, 7, 22);
	send(SERVICE, "header", 6, 0xffff, 22);
	send(SERVICE, "header", 6, 497, 512);
}

/* The descriptors and the available ring are the host's: what we write there is our loss. */
static void scribble(void)
{
	for (uint32_t i = 0; i < to_host.num; i++)
		to_host.desc[i].next = 0xffff;
	to_host.used->flags = 0xfffe;
	from_host.used->flags = 0xfffe;
}

static void jump(void)
{
	static const uint16_t by[] = {1000, 0x8000, 0xffff};

	for (unsigned i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		to_host.done += by[i];
		to_host.used->idx = to_host.done;
		barrier();
		mailbox_send((uint8_t)to_host.notifyid);
	}
}

static void names(void)
{
	static const char *const bad[] = {
		"", ".", "..", "/", "a/b", "../../etc/passwd", "new\nline", "\x1b[31m", "\xff\xfe",
		"name-of-thirty-two-bytes-no-nul!", "%s%n", " ",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		announce(bad[i], 2000 + i, 0);
	announce("twice", 3000, 0);
	announce("twice", 3000, 0);
	announce("nobody", 4000, 1);
	announce("any", ADDR_ANY, 0);
	say(NS_ADDRESS, "short", 5);
	say(NS_ADDRESS, "", 0);
	say(NS_ADDRESS, "a message to the name service that is longer than it can be", 59);
}

static void ns_flood(void)
{
	for (uint32_t i = 0; i < 100; i++) {
		announce("flood", 5000, 0);
		announce("flood", 5000, 1);
	}
}

static void flood(void)
{
	for (uint32_t i = 0; i < FLOOD; i++)
		say(0x12340000 + i, &i, sizeof(i));
}

static void doorbells(void)
{
	for (uint32_t i = 0; i < FLOOD; i++)
		mailbox_send((uint8_t)(i % 0xf0));
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{"ids", ids},	{"lengths", lengths},	{"scribble", scribble},	  {"jump", jump},
	{"names", names}, {"ns-flood", ns_flood}, {"flood", flood}, {"doorbells", doorbells},
};

static int is(const char *name, const uint8_t *data, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len && name[i]; i++)
		if (data[i] != (uint8_t)name[i])
			return 0;
	return i == len && !name[i];
}

static void receive(uint32_t src, const uint8_t *data, uint32_t len)
{
	for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (is(acts[i].name, data, len)) {
			trace(acts[i].name);
			trace(" begins\n");
			acts[i].act();
			trace(acts[i].name);
			trace(" ends\n");
			return;
		}
	say(src, data, len);
}

int main(void)
{
	uint8_t copy[512];
	uint32_t head, room, src, len;
	struct hdr *hdr;

	vsoc_init();
	vsoc_heartbeat(500);
	wait_for_driver(&resource_table.vdev);
	queue_init(&to_host, &resource_table.vdev.vring[0]);
	queue_init(&from_host, &resource_table.vdev.vring[1]);
	announce("rpmsg-raw", SERVICE, 0);
	for (;;) {
		while ((hdr = (struct hdr *)queue_next(&from_host, &head, &room))) {
			src = hdr->src;
			len = hdr->len < sizeof(copy) ? hdr->len : sizeof(copy);
			memcpy(copy, hdr->data, len);
			queue_done(&from_host, head, 0);
			receive(src, copy, len);
		}
		vsoc_wait();
	}
}
