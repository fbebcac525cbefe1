"""Device models of Xilinx (AMD), for its Zynq UltraScale+ (UG1085, UG1087)."""
