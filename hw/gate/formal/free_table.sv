`default_nettype none

// A table of which nothing is known: any row, any parity. What is proven with it holds with the real
// one, since that is one of its behaviours.
module state_table #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 16,
    parameter int INDEX_W = $clog2(DEPTH),
    parameter logic [WIDTH-1:0] CLOSED = '0
) (
    input  wire               clk,
    input  wire               rst,
    input  wire [INDEX_W-1:0] index,
    input  wire               flip,
    output wire [WIDTH-1:0]   row,
    output wire               parity_error,
    input  wire               write,
    input  wire [WIDTH-1:0]   next,
    input  wire               scrub,
    input  wire [INDEX_W-1:0] scrub_index,
    input  wire [5:0]         broken
);
    (* anyseq *) wire [WIDTH-1:0] any_row;
    (* anyseq *) wire any_error;
    assign row = any_row;
    assign parity_error = any_error;
endmodule

`default_nettype wire
