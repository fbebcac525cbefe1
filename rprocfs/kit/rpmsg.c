/* SPDX-License-Identifier: MIT */
/* The remote side of rpmsg: ring 0 carries messages to the host, ring 1 from it. */
#include "virtqueue.h"

#define NS_ADDRESS 53
#define SERVICES_MAX 8

struct hdr {
	uint32_t src, dst, reserved;
	uint16_t len, flags;
	uint8_t data[];
};
struct ns_msg {
	char name[32];
	uint32_t addr, flags;
};

struct service {
	const char *name;
	uint32_t address;
};

static volatile struct rsc_vdev *device;
static struct queue to_host, from_host;
static struct service services[SERVICES_MAX];
static uint32_t announced;

/* The next buffer that a header fits into, which stays ours until queue_done(). */
static struct hdr *next(struct queue *queue, uint32_t *head, uint32_t *room)
{
	uint8_t *buffer;

	while ((buffer = queue_next(queue, head, room))) {
		if (*room >= sizeof(struct hdr) && !((uintptr_t)buffer & 3))
			return (struct hdr *)buffer;
		trace_number("rpmsg: bad buffer 0x", *head);
		queue->seen++;
	}
	return 0;
}

/* Whether the host's driver went, or went and came again: the rings are not these any more. */
static int host_left(void)
{
	return !(device->status & VIRTIO_DRIVER_OK) || queue_was_reset(&to_host) ||
	       queue_was_reset(&from_host);
}

/* Give a buffer back, unless that ring is gone: the host may be about to make another one. */
static void give_back(struct queue *queue, uint32_t head, uint32_t len)
{
	if (!host_left())
		queue_done(queue, head, len);
}

static void take_vrings(void)
{
	wait_for_driver(device);
	if (!queue_init(&to_host, &device->vring[0]) || !queue_init(&from_host, &device->vring[1])) {
		trace("rpmsg: bad vrings\n");
		vsoc_fail();
	}
	trace("rpmsg: up\n");
}

void rpmsg_start(volatile struct rsc_vdev *vdev)
{
	device = vdev;
	take_vrings();
}

int rpmsg_send(uint32_t src, uint32_t dst, const void *data, uint32_t len)
{
	uint32_t head, room;
	struct hdr *hdr;

	if (host_left())
		return 0;
	hdr = next(&to_host, &head, &room);
	if (!hdr) { /* the caller waits for one: the host has to ring */
		queue_notify(&to_host, 1);
		hdr = next(&to_host, &head, &room);
	}
	if (!hdr)
		return 0;
	queue_notify(&to_host, 0);
	if (len > room - sizeof(*hdr))
		len = room - sizeof(*hdr);
	hdr->src = src;
	hdr->dst = dst;
	hdr->reserved = 0;
	hdr->len = (uint16_t)len;
	hdr->flags = 0;
	memcpy(hdr->data, data, len);
	give_back(&to_host, head, sizeof(*hdr) + len);
	return 1;
}

static int tell(const struct service *service)
{
	struct ns_msg message;

	memset(&message, 0, sizeof(message));
	for (unsigned i = 0; service->name[i] && i < sizeof(message.name) - 1; i++)
		message.name[i] = service->name[i];
	message.addr = service->address;
	if (!rpmsg_send(service->address, NS_ADDRESS, &message, sizeof(message)))
		return 0;
	trace("rpmsg: announced ");
	trace(message.name);
	trace_number(" at 0x", message.addr);
	return 1;
}

/* Tell of the services from first on; of all, if the host's driver came again. */
static void tell_from(uint32_t first)
{
	while (first < announced) {
		if (host_left()) {
			take_vrings();
			first = 0;
		} else if (tell(&services[first])) {
			first++;
		} else {
			vsoc_wait();
		}
	}
}

void rpmsg_announce(const char *name, uint32_t address)
{
	if (announced == SERVICES_MAX) {
		trace("rpmsg: too many services\n");
		vsoc_fail();
	}
	services[announced] = (struct service){name, address};
	announced++;
	tell_from(announced - 1);
}

void rpmsg_receive(int (*handle)(uint32_t, uint32_t, const uint8_t *, uint32_t))
{
	uint32_t head, room;
	struct hdr *hdr;

	if (host_left()) {
		take_vrings();
		tell_from(0);
	}
	while (!host_left() && (hdr = next(&from_host, &head, &room))) {
		uint32_t len = hdr->len;

		if (len > room - sizeof(*hdr))
			trace_number("rpmsg: bad length 0x", len);
		else if (!handle(hdr->src, hdr->dst, hdr->data, len))
			return;
		give_back(&from_host, head, 0);
	}
}
