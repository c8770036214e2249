# Place and route of the gate alone in Vivado, out of context:
#   vivado -mode batch -source hw/gate/synth/vivado.tcl
# NOT EXERCISED: nobody of the project has run it yet. The clock it asks for, 322.265625 MHz (that of a
# 10/25G MAC), is a target; what it reports is what there is.
set part xcvu9p-flga2104-2-e
set period 3.103
set here [file dirname [file normalize [info script]]]
set gate [file dirname $here]
set out [file join $gate .. .. target synth vivado]
file mkdir $out
set files {}
set list [open [file join $gate lint files.f]]
foreach line [split [read $list] "\n"] { if {$line ne ""} { lappend files [file join $gate $line] } }
close $list
read_verilog -sv $files
synth_design -top gate_top -part $part -mode out_of_context -flatten_hierarchy rebuilt
create_clock -name clk -period $period [get_ports clk]
opt_design
place_design
phys_opt_design
route_design
report_timing_summary -file [file join $out timing.txt]
report_utilization -hierarchical -file [file join $out utilization.txt]
write_checkpoint -force [file join $out gate.dcp]
