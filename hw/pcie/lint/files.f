rtl/pcie_pkg.sv
rtl/window_in.sv
rtl/ring_out.sv
rtl/pcie_regs.sv
rtl/pcie_top.sv
