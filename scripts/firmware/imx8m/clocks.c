/* SPDX-License-Identifier: MIT */
/*
 * The order of the clock code of NXP's MCUXpresso SDK for each part, that of a debug build, which
 * asserts: BOARD_InitMemory(), BOARD_RdcInit(), BOARD_BootClockRUN(), every PLL that an image may
 * start or stop, and the frequencies that CLOCK_GetFreq() computes. A timer of the oscillator
 * measures the core's clock. What is waited for has 1000 reads to come. Says `ok NAME` or
 * `FAIL NAME VALUE` for each, then `done`.
 */
#include "vsoc.h"
#include "check.h"

#define CCM_PLL_GATE(n) REG(0x30380800u + 16 * (n))
#define CSU_SA REG(0x303e0218u)
#define GPV5_FORCE_INCR REG(0x32504044u)
#define GPC 0x303a0000u
#define AUDIOMIX 0x30e20000u
#define LOCK (1u << 31)
enum { ROOT_AUDIO_AHB = 34, ROOT_I2C3 = 92, ROOT_UART2 = 95, ROOT_ECSPI1 = 101 };

static int near(uint32_t value, uint32_t wanted, uint32_t by)
{
	return value >= wanted - by && value <= wanted + by;
}

static void wait_bits(const char *name, uint32_t address, uint32_t mask, uint32_t wanted)
{
	uint32_t left = 1000;

	while ((REG(address) & mask) != wanted && --left)
		;
	check(name, left, REG(address));
}

static void root_mux(uint32_t root, uint32_t mux)
{
	CCM_ROOT(root) = (CCM_ROOT(root) & ~(7u << 24)) | mux << 24;
	check("root-mux", (CCM_ROOT(root) >> 24 & 7) == mux, CCM_ROOT(root));
}

static void root_divider(uint32_t root, uint32_t pre, uint32_t post)
{
	CCM_ROOT(root) = (CCM_ROOT(root) & ~(7u << 16 | 0x3fu)) | (pre - 1) << 16 | (post - 1);
}

static uint32_t divided(uint32_t root, uint32_t hz)
{
	return hz / ((CCM_ROOT(root) >> 16 & 7) + 1) / ((CCM_ROOT(root) & 0x3f) + 1);
}

static void enable_clock(uint32_t gate) { CCM_CCGR_SET(gate) = 0x3333; }

#ifdef IMX8MQ
#define OSC 25000000u
enum { AUDIO_PLL1 = 0x30360000, AUDIO_PLL2 = 0x30360008, VIDEO_PLL1 = 0x30360010 };
enum { GPU_PLL = 0x30360018, VPU_PLL = 0x30360020, ARM_PLL = 0x30360028 };
enum { SYS_PLL1 = 0x30360030, SYS_PLL2 = 0x3036003c, SYS_PLL3 = 0x30360048 };
enum { VIDEO_PLL2 = 0x30360054, DRAM_PLL = 0x30360060 };
#define OSC_DIV(n) ((REG(0x30270000u + (n)) & 0xff) + 1) /* XTALOSC: OSC25M_CTL_CFG, OSC27M */

/* CLOCK_GetPllRefClkFreq(): one of two oscillators, divided. */
static uint32_t ref_hz(uint32_t select)
{
	return select ? 27000000u / OSC_DIV(8) : OSC / OSC_DIV(0);
}

static uint32_t frac_hz(uint32_t pll)
{
	uint32_t cfg0 = REG(pll), cfg1 = REG(pll + 4), ref = ref_hz(cfg0 >> 16 & 3);
	uint64_t hz;

	if (cfg0 >> 14 & 1)
		return ref;
	ref /= (cfg0 >> 5 & 0x3f) + 1;
	hz = 8ull * ref * ((cfg1 & 0x7f) + 1) + (8ull * ref * (cfg1 >> 7 & 0xffffff) >> 24);
	return (uint32_t)(hz / (((cfg0 & 0x1f) + 1) * 2));
}

/* CLOCK_InitFracPll() without bypass: new dividers are acknowledged when there is power. */
static void frac_init(const char *name, uint32_t pll, uint32_t ref, uint32_t fraction, uint32_t whole,
		      uint32_t out, uint32_t hz)
{
	REG(pll) &= ~(1u << 14);
	REG(pll) |= 1u << 19;
	REG(pll) = (REG(pll) & ~(0x1fu | 0x3fu << 5 | 3u << 16 | 1u << 12)) | (out / 2 - 1) |
		   (ref - 1) << 5;
	REG(pll + 4) = fraction << 7 | whole;
	REG(pll) |= 1u << 12;
	REG(pll) &= ~(1u << 19);
	wait_bits("newdiv-ack", pll, 1u << 11, 1u << 11);
	REG(pll) |= 1u << 21;
	wait_bits(name, pll, LOCK, LOCK);
	check(name, frac_hz(pll) == hz, frac_hz(pll));
}

static void frac_off(const char *name, uint32_t pll)
{
	REG(pll) |= 1u << 19;
	check(name, !(REG(pll) & LOCK), REG(pll));
}

static uint32_t sscg_hz(uint32_t pll)
{
	uint32_t cfg0 = REG(pll), cfg1 = REG(pll + 4), cfg2 = REG(pll + 8), ref = ref_hz(cfg0 & 3);
	uint64_t hz;

	if (cfg0 >> 4 & 1)
		return ref;
	hz = ref / ((cfg2 >> 25 & 7) + 1);
	if (!(cfg0 >> 5 & 1))
		hz = hz * (cfg1 & 1 ? 8 : 2) * ((cfg2 >> 13 & 0x3f) + 1) / ((cfg2 >> 19 & 0x3f) + 1);
	return (uint32_t)(hz * ((cfg2 >> 7 & 0x3f) + 1) / ((cfg2 >> 1 & 0x3f) + 1));
}

/* CLOCK_InitSSCGPll(), without the two bypasses. */
static void sscg_init(const char *name, uint32_t pll, uint32_t f1, uint32_t r2, uint32_t f2,
		      uint32_t out, uint32_t hz)
{
	REG(pll) |= 1u << 7;
	REG(pll) &= ~3u;
	REG(pll + 8) = (REG(pll + 8) & 1u) | (out - 1) << 1 | (f2 - 1) << 7 | (f1 - 1) << 13 |
		       (r2 - 1) << 19;
	REG(pll) &= ~(1u << 7);
	REG(pll) &= ~(1u << 5);
	REG(pll) &= ~(1u << 4);
	REG(pll) |= 1u << 25;
	wait_bits(name, pll, LOCK, LOCK);
	check(name, near(sscg_hz(pll), hz, 1000), sscg_hz(pll));
}

static void sscg_off(const char *name, uint32_t pll)
{
	REG(pll) |= 1u << 7;
	check(name, !(REG(pll) & LOCK), REG(pll));
}

static uint32_t sys1_hz(void) { return sscg_hz(SYS_PLL1); }
static uint32_t core_pll_hz(void) { return sys1_hz() / 3; }

static void boot_clock(void)
{
	root_mux(ROOT_AHB, 0);
	root_mux(ROOT_CORE, 0);
	frac_init("audio-pll1", AUDIO_PLL1, 5, 0, 64, 4, 650000000u);
	frac_init("audio-pll2", AUDIO_PLL2, 5, 0, 64, 4, 650000000u);
	frac_init("video-pll1", VIDEO_PLL1, 5, 0, 64, 4, 650000000u);
	root_divider(ROOT_CORE, 1, 1);
	root_mux(ROOT_CORE, 3);
	root_divider(ROOT_AHB, 1, 1);
	root_mux(ROOT_AHB, 1);
}

static void every_pll(void)
{
	check("sys-pll1", near(sscg_hz(SYS_PLL1), 800000000u, 1000), sscg_hz(SYS_PLL1));
	sscg_init("sys-pll2", SYS_PLL2, 32, 16, 20, 2, 1000000000u);
	sscg_init("sys-pll3", SYS_PLL3, 32, 16, 20, 2, 1000000000u);
	sscg_init("video-pll2", VIDEO_PLL2, 32, 16, 13, 1, 1300000000u);
	sscg_init("dram-pll", DRAM_PLL, 32, 16, 16, 2, 800000000u);
	frac_init("gpu-pll", GPU_PLL, 5, 1u << 23, 39, 2, 810000000u);
	frac_init("vpu-pll", VPU_PLL, 5, 0, 39, 2, 800000000u);
	frac_init("arm-pll", ARM_PLL, 5, 0, 49, 2, 1000000000u);
	REG(GPU_PLL) |= 1u << 14;
	check("bypass", frac_hz(GPU_PLL) == OSC, frac_hz(GPU_PLL));
	frac_off("audio-pll1-off", AUDIO_PLL1);
	frac_off("video-pll1-off", VIDEO_PLL1);
	frac_off("arm-pll-off", ARM_PLL);
	sscg_off("sys-pll3-off", SYS_PLL3);
	sscg_off("dram-pll-off", DRAM_PLL);
}
#else
#define OSC 24000000u
enum { AUDIO_PLL1 = 0x30360000, AUDIO_PLL2 = 0x30360014, VIDEO_PLL1 = 0x30360028 };
enum { GPU_PLL = 0x30360064, VPU_PLL = 0x30360074, ARM_PLL = 0x30360084 };
enum { CKE = 1 << 11, FRAC_CKE = 1 << 13 };

/* CLOCK_GetFracPllFreq(), and CLOCK_GetIntegerPllFreq() if *dsm* is 0. */
static uint32_t hz_of(uint32_t pll, uint32_t dsm)
{
	uint32_t control = REG(pll), divide = REG(pll + 4);
	uint64_t main = (uint64_t)(divide >> 12 & 0x3ff) * 65536u + dsm;

	if (control >> 4 & 1)
		return OSC;
	return (uint32_t)(OSC * main / (65536ull * (divide >> 4 & 0x3f) * (1u << (divide & 7))));
}

/* CLOCK_InitFracPll() or CLOCK_InitIntegerPll(); *cke* is the gate of its output. */
static void pll_init(const char *name, uint32_t pll, uint32_t cke, uint32_t main, uint32_t pre,
		     uint32_t post, uint32_t dsm, uint32_t hz)
{
	REG(pll) &= ~(1u << 4);
	REG(pll) &= ~(1u << 9);
	REG(pll + 4) = (REG(pll + 4) & ~(0x3ffu << 12 | 0x3fu << 4 | 7u)) | main << 12 | pre << 4 |
		       post;
	if (cke == FRAC_CKE)
		REG(pll + 8) = (REG(pll + 8) & ~0xffffu) | dsm;
	REG(pll) |= 1u << 9;
	REG(pll) |= cke;
	wait_bits(name, pll, LOCK, LOCK);
	check(name, near(hz_of(pll, dsm), hz, 10), hz_of(pll, dsm));
}

static void pll_off(const char *name, uint32_t pll)
{
	REG(pll) &= ~(1u << 9);
	check(name, !(REG(pll) & LOCK), REG(pll));
}

static uint32_t sys1_hz(void) { return hz_of(PLL_SYS1, 0); }
#ifdef IMX8MN
static uint32_t core_pll_hz(void) { return hz_of(PLL_SYS3, 0); }
#else
static uint32_t core_pll_hz(void) { return sys1_hz(); }
#endif

#ifdef IMX8MP
/* The domain of the audio is powered up, its bus is ready, and its own PLL locks. */
static void audiomix(void)
{
	enable_clock(101);
	REG(GPC + 0x1d0) |= 1u << 7; /* PGC_CPU_M7_MAPPING */
	REG(GPC + 0xd8) |= 1u << 5;
	wait_bits("audiomix-power", GPC + 0xd8, 1u << 5, 0);
	REG(GPC + 0x190) |= 1u << 15; /* GPC_AUDIOMIX_NOC_PWRDNREQN */
	wait_bits("audiomix-noc", GPC + 0x190, 1u << 31, 1u << 31);
	wait_bits("audiomix-ready", GPC + 0x190, 1u << 20, 1u << 20);
	check("audiomix-clocks", REG(AUDIOMIX) && REG(AUDIOMIX + 4), REG(AUDIOMIX + 4));
	pll_init("sai-pll", AUDIOMIX + 0x400, FRAC_CKE, 361, 3, 3, 17511, 361267197u);
	pll_off("sai-pll-off", AUDIOMIX + 0x400);
}
#else
static void audiomix(void) {}
#endif

static void boot_clock(void)
{
	root_mux(ROOT_AHB, 0);
	root_mux(ROOT_CORE, 0);
	pll_init("audio-pll1", AUDIO_PLL1, FRAC_CKE, 262, 2, 3, 9437, 393215996u);
	pll_init("audio-pll2", AUDIO_PLL2, FRAC_CKE, 361, 3, 3, 17511, 361267197u);
	check("sys-pll3-runs", !(REG(PLL_SYS3) >> 4 & 1), REG(PLL_SYS3));
#ifdef IMX8MN
	root_divider(ROOT_CORE, 1, 1);
	root_mux(ROOT_CORE, 7);
#elif defined(IMX8MP)
	root_divider(ROOT_CORE, 1, 1);
	root_mux(ROOT_CORE, 4);
#else
	root_divider(ROOT_CORE, 1, 2);
	root_mux(ROOT_CORE, 4);
#endif
	root_divider(ROOT_AHB, 1, 1);
	root_mux(ROOT_AHB, 1);
	root_divider(ROOT_AUDIO_AHB, 1, 2);
	root_mux(ROOT_AUDIO_AHB, 2);
	audiomix();
}

static void every_pll(void)
{
	check("sys-pll1", hz_of(PLL_SYS1, 0) == 800000000u, hz_of(PLL_SYS1, 0));
	pll_init("sys-pll2", PLL_SYS2, CKE, 250, 3, 1, 0, 1000000000u);
#ifndef IMX8MN
	pll_init("sys-pll3", PLL_SYS3, CKE, 300, 3, 2, 0, 600000000u);
	pll_off("sys-pll3-off", PLL_SYS3);
#endif
	pll_init("video-pll1", VIDEO_PLL1, FRAC_CKE, 650, 3, 3, 0, 650000000u);
	pll_init("gpu-pll", GPU_PLL, CKE, 300, 3, 1, 0, 1200000000u);
	pll_init("vpu-pll", VPU_PLL, CKE, 300, 3, 2, 0, 600000000u);
	pll_init("arm-pll", ARM_PLL, CKE, 250, 3, 1, 0, 1000000000u);
	REG(GPU_PLL) |= 1u << 4;
	check("bypass", hz_of(GPU_PLL, 0) == OSC, hz_of(GPU_PLL, 0));
	pll_off("audio-pll1-off", AUDIO_PLL1);
	pll_off("video-pll1-off", VIDEO_PLL1);
	pll_off("arm-pll-off", ARM_PLL);
}
#endif

/* The erratum ERR050362, if the core may: the CSU says whether it is secure. */
static void init_memory(void)
{
	if (CSU_SA & 4)
		return;
	GPV5_FORCE_INCR = GPV5_FORCE_INCR | 2;
	check("force-incr", GPV5_FORCE_INCR & 2, GPV5_FORCE_INCR);
}

static void rdc_init(void)
{
	uint32_t domain = RDC_STAT & 0xf;

	if (RDC_PDAP(20) >> (2 * domain) & 1)
		RDC_MDA(1) = 1;
	check("domain", (RDC_STAT & 0xf) == 1, RDC_STAT);
	for (uint32_t gate = 0; gate < 191; gate++)
		enable_clock(gate);
	check("gates", CCM_CCGR(0) == 0x3333 && CCM_CCGR(190) == 0x3333, CCM_CCGR(190));
	for (uint32_t pll = 0; pll < 39; pll++)
		CCM_PLL_GATE(pll) = 0x3333;
}

/* What the examples ask for: UART_Init(), ECSPI_MasterInit(), I2C_MasterInit(). */
static void peripheral_clocks(void)
{
	root_mux(ROOT_UART4, 1);
	root_divider(ROOT_UART4, 1, 1);
	check("uart-hz", near(divided(ROOT_UART4, sys1_hz() / 10), 80000000u, 10),
	      divided(ROOT_UART4, sys1_hz() / 10));
	root_mux(ROOT_ECSPI1, 4);
	root_divider(ROOT_ECSPI1, 2, 5);
	check("ecspi-hz", near(divided(ROOT_ECSPI1, sys1_hz()), 80000000u, 10),
	      divided(ROOT_ECSPI1, sys1_hz()));
	root_mux(ROOT_I2C3, 1);
	root_divider(ROOT_I2C3, 1, 10);
	check("i2c-hz", near(divided(ROOT_I2C3, sys1_hz() / 5), 16000000u, 10),
	      divided(ROOT_I2C3, sys1_hz() / 5));
	check("ahb-hz", near(divided(ROOT_AHB, sys1_hz() / 6), 133333333u, 10),
	      divided(ROOT_AHB, sys1_hz() / 6));
}

/* Both counters at one time: what was read over a pause of the host's is read again. */
static void sample(uint32_t *cycles, uint32_t *counted)
{
	for (uint32_t tries = 0; tries < 1000; tries++) {
		*cycles = DWT_CYCCNT;
		*counted = GPT1_CNT;
		if (DWT_CYCCNT - *cycles < CORE_HZ / 20000)
			return;
	}
}

/* CYCCNT is the core's clock, the GPT is that of its root; 50 ms are compared, to 1 %. */
static void measure(const char *name, uint32_t root, uint32_t gpt_hz, uint32_t hertz)
{
	uint32_t cycles, counted, begin, first, wanted;

	CCM_ROOT(ROOT_GPT1) = ROOT_ENABLE | root;
	GPT1_CR = GPT_SWR;
	while (GPT1_CR & GPT_SWR)
		;
	GPT1_PR = 0;
	GPT1_CR = GPT_EN | GPT_ENMOD | GPT_FRR | GPT_CLKSRC_ROOT;
	sample(&begin, &first);
	while (DWT_CYCCNT - begin < hertz / 20)
		;
	sample(&cycles, &counted);
	GPT1_CR = 0;
	wanted = (uint32_t)((uint64_t)gpt_hz * (cycles - begin) / hertz);
	check(name, near(counted - first, wanted, wanted / 100), counted - first - wanted);
}

int main(void)
{
	uint32_t hertz;

	board_console();
	init_memory();
	rdc_init();
	boot_clock();
	peripheral_clocks();
	every_pll();
	hertz = divided(ROOT_CORE, core_pll_hz());
	check("core-hz", near(hertz, CORE_HZ, 1000), hertz);
	DEMCR |= 1u << 24;
	DWT_CYCCNT = 0;
	DWT_CTRL |= 1;
	measure("gpt-osc", 0, OSC, hertz);
	measure("gpt-sys1-div-20", 3u << 24, 40000000u, hertz);
	measure("gpt-sys2-div-10", 1u << 24 | 1, 50000000u, hertz);
	board_puts("done\n");
	for (;;)
		wfi();
}
