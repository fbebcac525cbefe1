"""Device models of ST's STM32MP1 family (RM0436)."""
