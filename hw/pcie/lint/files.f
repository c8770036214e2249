rtl/window_in.sv
rtl/ring_out.sv
