/* SPDX-License-Identifier: MIT */
/*
 * Memory regions of the RDC in the order of MCUXpresso's example: OCRAM is closed to the core's
 * domain, an access faults, and the handler looks at the violation and opens it. Then all that is
 * not in the example: kinds of access, edges, aliases, locks, and an MPU beside it.
 */
#include "vsoc.h"
#include "drivers.h"

#ifdef M7
enum { REGION = 12, OTHER = 39, SHIFT = 1 };
#else
enum { REGION = 24, OTHER = 0, SHIFT = 0 };
#endif
#define MR(region, word) REG(0x303d0800u + 0x10 * (region) + 4 * (word))
#define IOMUXC_GPR10 REG(0x30340028u)
#define BFAR REG(0xe000ed38u)
#define HFSR REG(0xe000ed2cu)
#define VTOR REG(0xe000ed08u)
#define MMFAR REG(0xe000ed34u)
#define MPU(at) REG(0xe000ed94u + (at))
enum { OCRAM = 0x900000, ALIAS = 0x20200000, END = 0x920000 };
enum { ENA = 1 << 30, OPEN = 0xff, CLOSED = OPEN & ~0xc, READ_ONLY = OPEN & ~0x4 };
enum { WRITE_ONLY = OPEN & ~0x8, AD = 1 << 4, DOMAIN = 1 };
enum { PRECISE = 0x8200, IBUSERR = 0x100, DACCVIOL = 0x82 };

static volatile uint32_t faults, status, address, violation, forced;
static uint32_t vectors[256] __attribute__((aligned(1024)));
static uint32_t guard[64] __attribute__((aligned(32)));

static void region(uint32_t number, uint32_t begin, uint32_t end, uint32_t policy)
{
	MR(number, 0) = begin >> SHIFT;
	MR(number, 1) = end >> SHIFT;
	MR(number, 2) = policy;
	barrier();
}

__attribute__((used)) static void handler(void)
{
	faults++;
	status = SCB_CFSR;
	address = status & 0x80 ? MMFAR : BFAR;
	forced = HFSR;
	violation = MR(REGION, 3);
	MR(REGION, 2) = ENA | OPEN;
	MR(REGION, 3) = AD;
	MPU(0) = 0;
	SCB_CFSR = status;
	HFSR = forced;
	barrier();
}

__attribute__((naked)) static void memory_fault(void) { __asm__("b handler"); }

static void begin(uint32_t from, uint32_t to, uint32_t policy)
{
	faults = status = address = violation = forced = 0;
	region(REGION, from, to, ENA | policy);
}

/* One fault, of CFSR *cfsr*, at *at* by the core's addresses, and *bus* by those of the RDC. */
static void faulted(const char *name, uint32_t cfsr, uint32_t at, uint32_t bus)
{
	uint32_t kept = (bus >> SHIFT & ~0x1fu) | AD | DOMAIN;

	check(name, faults == 1 && status == cfsr && violation == kept && !MR(REGION, 3) &&
	      (cfsr == IBUSERR || address == at), faults == 1 ? violation : faults);
}

static void passed(const char *name) { check(name, !faults && !MR(REGION, 3), address); }

static void kinds(void)
{
	volatile uint32_t *ocram = (volatile uint32_t *)OCRAM;
	uint32_t value = 0;

	ocram[0] = 41;
	begin(OCRAM, END, CLOSED);
	ocram[0]++;
	faulted("rdc-mem", PRECISE, OCRAM, OCRAM);
	check("rdc-mem-after", ocram[0] == 42, ocram[0]);
	begin(OCRAM, END, READ_ONLY);
	value = ocram[0x20];
	passed("rdc-mem-read");
	ocram[0x30] = value;
	faulted("rdc-mem-write", PRECISE, OCRAM + 0xc0, OCRAM + 0xc0);
	begin(OCRAM, END, WRITE_ONLY);
	ocram[0x10000 / 4] = 7;
	passed("rdc-mem-written");
	check("rdc-mem-seven", ocram[0x10000 / 4] == 7, ocram[0x10000 / 4]);
	faulted("rdc-mem-write-only", PRECISE, OCRAM + 0x10000, OCRAM + 0x10000);
	begin(OCRAM, END, CLOSED);
	value = *(volatile uint8_t *)(ALIAS + 0x1005);
	faulted("rdc-mem-alias", PRECISE, ALIAS + 0x1005, OCRAM + 0x1005);
	((volatile uint16_t *)OCRAM)[0x100] = 0x4770; /* bx lr */
	barrier();
	begin(OCRAM, END, CLOSED);
	((void (*)(void))(OCRAM + 0x201))();
	faulted("rdc-mem-fetch", IBUSERR, 0, OCRAM + 0x200);
	begin(OCRAM, END, CLOSED);
	value = *(volatile uint32_t *)(OCRAM + 0x3fe);
	faulted("rdc-mem-unaligned", PRECISE, OCRAM + 0x3fe, OCRAM + 0x3fe);
	begin(OCRAM + 0x400, END, CLOSED);
	*(volatile uint32_t *)(OCRAM + 0x3fe) = value;
	faulted("rdc-mem-across", PRECISE, OCRAM + 0x400, OCRAM + 0x400);
}

/* A part of a page, and what is open beside it. */
static void edges(void)
{
	volatile uint32_t *ocram = (volatile uint32_t *)OCRAM;
	uint32_t value = 0;

	begin(OCRAM + 0x100, OCRAM + 0x200, CLOSED);
	for (uint32_t i = 0; i < 0x40; i++)
		ocram[i] = ocram[i + 0x80] + i;
	passed("rdc-mem-beside");
	ocram[0x7f] = value;
	faulted("rdc-mem-last", PRECISE, OCRAM + 0x1fc, OCRAM + 0x1fc);
	begin(OCRAM + 0x100, OCRAM + 0x200, READ_ONLY);
	value = ocram[0x40];
	passed("rdc-mem-part");
	__asm__ volatile("stm %0, {r0-r3}" ::"r"(OCRAM + 0xf8) : "memory");
	faulted("rdc-mem-stm", PRECISE, OCRAM + 0x100, OCRAM + 0x100);
	begin(OCRAM + 0x100, OCRAM + 0x200, WRITE_ONLY);
	ocram[0x50] = value;
	passed("rdc-mem-part-written");
	value = ocram[0x50];
	faulted("rdc-mem-part-read", PRECISE, OCRAM + 0x140, OCRAM + 0x140);
}

/* What closes nothing: another memory's region, one that is off, another domain. */
static void nothing(void)
{
	volatile uint32_t *ocram = (volatile uint32_t *)OCRAM;

	begin(OCRAM, END, OPEN);
	region(OTHER, OCRAM, END, ENA);
	ocram[0]++;
	region(OTHER, 0, 0, OPEN);
	begin(OCRAM, OCRAM, CLOSED);
	ocram[0]++;
	region(REGION, OCRAM, END, CLOSED);
	ocram[0]++;
	begin(OCRAM, END, OPEN & ~3u);
	ocram[0]++;
	passed("rdc-mem-nothing");
	REG(0x303d0204u) = 0;
	ocram[0]++;
	check("rdc-mem-domain-0", faults == 1 && violation == (OCRAM >> SHIFT | AD), violation);
	REG(0x303d0204u) = DOMAIN;
}

/* With a guard of 32 bytes by the MPU, and with a BusFault that is not enabled. */
static void beside_mpu(void)
{
	volatile uint32_t *ocram = (volatile uint32_t *)OCRAM;
	uint32_t value = 0;

	MPU(4) = 0;
	MPU(8) = (uint32_t)guard;
	MPU(0xc) = 1u << 28 | 4 << 1 | 1;
	begin(OCRAM, END, CLOSED);
	MPU(0) = 5;
	barrier();
	guard[8] = value;
	passed("rdc-mem-mpu");
	value = *(volatile uint32_t *)&guard[1];
	check("rdc-mem-guard", faults == 1 && status == DACCVIOL && address == (uint32_t)&guard[1] &&
	      !violation, status);
	begin(OCRAM, END, CLOSED);
	MPU(0) = 5;
	barrier();
	ocram[2] = value;
	faulted("rdc-mem-mpu-closed", PRECISE, OCRAM + 8, OCRAM + 8);
	begin(OCRAM, END, READ_ONLY);
	MPU(0) = 5;
	barrier();
	value = ocram[2] + ocram[3] + ocram[0x100];
	passed("rdc-mem-mpu-read");
	ocram[3] = value;
	faulted("rdc-mem-mpu-write", PRECISE, OCRAM + 12, OCRAM + 12);
	SCB_SHCSR &= ~(1u << 17);
	begin(OCRAM, END, CLOSED);
	value = ocram[1];
	faulted("rdc-mem-hard", PRECISE, OCRAM + 4, OCRAM + 4);
	check("rdc-mem-forced", forced == 1u << 30, forced);
	SCB_SHCSR |= 1u << 17;
}

static void lock(void)
{
	volatile uint32_t *ocram = (volatile uint32_t *)OCRAM;

	faults = 0;
	region(REGION + 1, OCRAM + 0x4000, OCRAM + 0x8000, 1u << 31 | CLOSED);
	region(REGION + 1, 0, 0, OPEN);
	ocram[0x1000]++;
	passed("rdc-mem-locked");
	begin(OCRAM + 0x4000, OCRAM + 0x8000, CLOSED);
	check("rdc-mem-lock", MR(REGION + 1, 0) == (OCRAM + 0x4000) >> SHIFT &&
	      MR(REGION + 1, 2) == (1u << 31 | CLOSED), MR(REGION + 1, 2));
	ocram[0x1000]++;
	faulted("rdc-mem-again", PRECISE, OCRAM + 0x4000, OCRAM + 0x4000);
}

void rdc_memory(void)
{
	uint32_t before = VTOR;

	for (uint32_t i = 0; i < 256; i++)
		vectors[i] = ((uint32_t *)before)[i];
	for (uint32_t i = 3; i < 6; i++)
		vectors[i] = (uint32_t)memory_fault;
	VTOR = (uint32_t)vectors;
	SCB_SHCSR |= 3u << 16;
	IOMUXC_GPR10 |= 0xc;
	barrier();
	kinds();
	edges();
	nothing();
	beside_mpu();
	lock();
	VTOR = before;
	barrier();
}
