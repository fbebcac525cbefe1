"""STM32MP157: the Cortex-M4 of ST's STM32MP15 family, as firmware for a real board sees it.

==================== ==================================================================
0x00000000           RETRAM, 64 KiB: the vector table; the A7 sees it at 0x38000000
0x10000000           MCU SRAM, 384 KiB; the same memory at 0x30000000
0x40000000           peripherals: APB1, APB2 (0x44000000), AHB2 (0x48000000), AHB3
                     (0x4c000000), AHB4 (0x50000000), AHB5, AHB6, APB4, APB5
0x4c001000           IPCC, channels 0 to 3 of which are Linux's vq0, vq1, shutdown, detach
0xe000e000           NVIC with 150 interrupts and 4 bits of priority, SysTick, SCB, MPU
==================== ==================================================================

Addresses, interrupts and registers are those of ST's reference manual RM0436 and CMSIS
header ``stm32mp157cxx_cm4.h``; the memory regions those of Linux's devicetree
(``stm32mp15xx-dkx.dtsi``). All other peripherals read back what was written to them.
"""
