/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a virtqueue: of what the host writes into the ring, every index,
 * address and length is checked.
 */
#ifndef VIRTQUEUE_H
#define VIRTQUEUE_H

#include "vsoc.h"

#define QUEUE_MAX 256
enum { DESC_WRITE = 2, AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct queue {
	volatile struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} *desc;
	volatile struct {
		uint16_t flags, idx, ring[];
	} *avail;
	volatile struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[];
	} *used;
	uint32_t num, notifyid;
	uint16_t seen, done; /* how far we are in avail and used */
};

static inline int in_ram(uint64_t address, uint32_t len)
{
	return address >= RAM_BASE && len <= RAM_SIZE && address - RAM_BASE <= RAM_SIZE - len;
}

/* Where the host put the ring. A ring that is nowhere stays empty, and 0 is returned. */
static inline int queue_init(struct queue *queue, volatile struct rsc_vring *vring)
{
	uint32_t da = vring->da, num = vring->num, align = vring->align;
	uint32_t used = (da + 16 * num + 2 * num + 6 + align - 1) & ~(align - 1);
	int good = num <= QUEUE_MAX && align && !(align & (align - 1)) && !((da | used) & 3) &&
		   in_ram(da, used - da + 8 * num + 6);

	queue->num = good ? num : 0;
	queue->desc = (void *)(uintptr_t)da;
	queue->avail = (void *)(uintptr_t)(da + 16 * num);
	queue->used = (void *)(uintptr_t)used;
	queue->notifyid = vring->notifyid;
	queue->seen = queue->done = good ? queue->used->idx : 0;
	return good;
}

/* Whether the host cleared the ring behind our back: its driver was bound again. */
static inline int queue_was_reset(struct queue *queue)
{
	return queue->num && queue->used->idx != queue->done;
}

/*
 * Whether the host is to ring when it adds buffers. For a queue whose buffers are only needed now
 * and then: each doorbell is an interrupt. Look once more after asking for it.
 */
static inline void queue_notify(struct queue *queue, int wanted)
{
	queue->used->flags = wanted ? 0 : USED_NO_NOTIFY;
	barrier();
}

/* The next buffer, which stays ours until queue_done(); 0 when there is none. */
static inline uint8_t *queue_next(struct queue *queue, uint32_t *head, uint32_t *len)
{
	while (queue->num && !queue_was_reset(queue) && queue->avail->idx != queue->seen) {
		barrier();
		*head = queue->avail->ring[queue->seen % queue->num];
		if (*head < queue->num) {
			uint64_t address = queue->desc[*head].addr;

			*len = queue->desc[*head].len;
			if (in_ram(address, *len))
				return (uint8_t *)(uintptr_t)address;
		}
		trace_number("virtio: bad buffer 0x", *head);
		queue->seen++;
	}
	return 0;
}

/*
 * Give a buffer back with len bytes written to it, as the host is to believe; not into a ring
 * that it cleared meanwhile.
 */
static inline void queue_push(struct queue *queue, uint32_t head, uint32_t len)
{
	if (queue_was_reset(queue))
		return;
	queue->used->ring[queue->done % queue->num].id = head;
	queue->used->ring[queue->done % queue->num].len = len;
	barrier();
	queue->used->idx = ++queue->done;
	barrier();
	if (!(queue->avail->flags & AVAIL_NO_INTERRUPT))
		mailbox_send((uint8_t)queue->notifyid);
}

static inline void queue_done(struct queue *queue, uint32_t head, uint32_t len)
{
	queue->seen++;
	queue_push(queue, head, len);
}

static inline void wait_for_driver(volatile struct rsc_vdev *vdev)
{
	while (!(vdev->status & VIRTIO_DRIVER_OK))
		vsoc_wait();
	barrier();
}

#endif
