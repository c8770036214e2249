`default_nettype none

// A product of which nothing is known.
module product (
    input  wire         clk,
    input  wire  [31:0] a,
    input  wire  [31:0] b,
    output wire  [63:0] ab
);
    (* anyseq *) wire [63:0] any_product;
    assign ab = any_product;
endmodule

`default_nettype wire
