`default_nettype none

// Counts what happened, and keeps a copy that software reads at leisure.
module gate_counters (
    input  wire         clk,
    input  wire         rst,
    input  wire         copy,
    input  wire [gate_pkg::COUNTERS-1:0] count,     // one bit per counter
    input  wire [20:0]  refused_by,       // one bit per card rule
    input  wire [4:0]   at,               // which counter of the copy
    input  wire [4:0]   rule_at,
    output wire [63:0]  value,
    output wire [31:0]  rule_value
);
    logic [63:0] live [gate_pkg::COUNTERS];
    logic [63:0] kept [gate_pkg::COUNTERS];
    logic [31:0] rule_live [21];
    logic [31:0] rule_kept [21];
    assign value = (at < 5'(gate_pkg::COUNTERS)) ? kept[at[3:0]] : 64'd0;
    assign rule_value = (rule_at < 5'd21) ? rule_kept[rule_at] : 32'd0;
    for (genvar i = 0; i < gate_pkg::COUNTERS; i++) begin : g_counter
        always_ff @(posedge clk) begin
            if (rst) live[i] <= 64'd0;
            else if (count[i]) live[i] <= live[i] + 64'd1;
            if (rst) kept[i] <= 64'd0;
            else if (copy) kept[i] <= live[i];
        end
    end
    for (genvar i = 0; i < 21; i++) begin : g_rule
        always_ff @(posedge clk) begin
            if (rst) rule_live[i] <= 32'd0;
            else if (refused_by[i] & (rule_live[i] != '1)) rule_live[i] <= rule_live[i] + 32'd1;
            if (rst) rule_kept[i] <= 32'd0;
            else if (copy) rule_kept[i] <= rule_live[i];
        end
    end
endmodule

`default_nettype wire
