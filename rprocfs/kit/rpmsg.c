/* SPDX-License-Identifier: MIT */
/*
 * The remote side of rpmsg: ring 0 carries messages to the host, ring 1 from it. Of
 * what the host writes into the rings, every index, address and length is checked.
 */
#include "vsoc.h"

#define RING_MAX 256
#define NS_ADDRESS 53
#define AVAIL_NO_INTERRUPT 1
#define DESC_WRITE 2

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
struct avail {
	uint16_t flags, idx, ring[];
};
struct used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[];
};
struct queue {
	volatile struct desc *desc;
	volatile struct avail *avail;
	volatile struct used *used;
	uint32_t num, notifyid;
	uint16_t seen; /* how far we are in avail */
};
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

static int in_ram(uint64_t address, uint32_t len)
{
	return address >= RAM_BASE && len <= RAM_SIZE && address - RAM_BASE <= RAM_SIZE - len;
}

static int queue_init(struct queue *queue, volatile struct rsc_vring *vring)
{
	uint32_t da = vring->da, num = vring->num, align = vring->align;
	uint32_t used = (da + 16 * num + 2 * num + 6 + align - 1) & ~(align - 1);

	if (num > RING_MAX || !in_ram(da, used - da + 8 * num + 6))
		return 0;
	queue->desc = (volatile struct desc *)(uintptr_t)da;
	queue->avail = (volatile struct avail *)(uintptr_t)(da + 16 * num);
	queue->used = (volatile struct used *)(uintptr_t)used;
	queue->num = num;
	queue->notifyid = vring->notifyid;
	queue->seen = 0;
	return 1;
}

/* The next buffer, which stays ours until queue_done(); 0 when there is none. */
static struct hdr *queue_next(struct queue *queue, uint32_t *head, uint32_t *len)
{
	while (queue->num && queue->avail->idx != queue->seen) {
		barrier();
		*head = queue->avail->ring[queue->seen % queue->num];
		if (*head < queue->num) {
			uint64_t address = queue->desc[*head].addr;

			*len = queue->desc[*head].len;
			if (*len >= sizeof(struct hdr) && in_ram(address, *len) && !(address & 3))
				return (struct hdr *)(uintptr_t)address;
		}
		trace_number("rpmsg: bad buffer 0x", *head);
		queue->seen++;
	}
	return 0;
}

static void queue_done(struct queue *queue, uint32_t head, uint32_t len)
{
	uint16_t idx = queue->used->idx;

	queue->seen++;
	queue->used->ring[idx % queue->num].id = head;
	queue->used->ring[idx % queue->num].len = len;
	barrier();
	queue->used->idx = idx + 1;
	barrier();
	if (!(queue->avail->flags & AVAIL_NO_INTERRUPT))
		mailbox_send((uint8_t)queue->notifyid);
}

void rpmsg_start(volatile struct rsc_vdev *vdev)
{
	while (!(vdev->status & VIRTIO_DRIVER_OK))
		vsoc_wait();
	barrier();
	if (!queue_init(&to_host, &vdev->vring[0]) || !queue_init(&from_host, &vdev->vring[1])) {
		trace("rpmsg: bad vrings\n");
		vsoc_fail();
	}
	trace("rpmsg: up\n");
}

int rpmsg_send(uint32_t src, uint32_t dst, const void *data, uint32_t len)
{
	uint32_t head, room;
	struct hdr *hdr = queue_next(&to_host, &head, &room);

	if (!hdr)
		return 0;
	if (len > room - sizeof(*hdr))
		len = room - sizeof(*hdr);
	hdr->src = src;
	hdr->dst = dst;
	hdr->reserved = 0;
	hdr->len = (uint16_t)len;
	hdr->flags = 0;
	memcpy(hdr->data, data, len);
	queue_done(&to_host, head, sizeof(*hdr) + len);
	return 1;
}

void rpmsg_announce(const char *name, uint32_t address)
{
	struct ns_msg message;

	memset(&message, 0, sizeof(message));
	for (unsigned i = 0; name[i] && i < sizeof(message.name) - 1; i++)
		message.name[i] = name[i];
	message.addr = address;
	while (!rpmsg_send(address, NS_ADDRESS, &message, sizeof(message)))
		vsoc_wait();
	trace("rpmsg: announced ");
	trace(message.name);
	trace_number(" at 0x", address);
}

void rpmsg_receive(int (*handle)(uint32_t, uint32_t, const uint8_t *, uint32_t))
{
	uint32_t head, room;
	struct hdr *hdr;

	while ((hdr = queue_next(&from_host, &head, &room))) {
		uint32_t len = hdr->len;

		if (len > room - sizeof(*hdr))
			trace_number("rpmsg: bad length 0x", len);
		else if (!handle(hdr->src, hdr->dst, hdr->data, len))
			return;
		queue_done(&from_host, head, 0);
	}
}
