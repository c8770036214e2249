`default_nettype none

// 32 by 32 bits, three cycles: four products of 16 by 16, two sums of neighbours, the whole. Free
// of vendor primitives; each partial product fits one DSP slice.
module product (
    input  wire         clk,
    input  wire  [31:0] a,
    input  wire  [31:0] b,
    output logic [63:0] ab
);
    logic [31:0] low, cross1, cross2, high;
    logic [32:0] crossed;
    logic [63:0] outer;
    always_ff @(posedge clk) begin
        low <= {16'd0, a[15:0]} * {16'd0, b[15:0]};
        cross1 <= {16'd0, a[31:16]} * {16'd0, b[15:0]};
        cross2 <= {16'd0, a[15:0]} * {16'd0, b[31:16]};
        high <= {16'd0, a[31:16]} * {16'd0, b[31:16]};

        crossed <= {1'b0, cross1} + {1'b0, cross2};
        outer <= {high, low};

        ab <= outer + {15'd0, crossed, 16'd0};
    end
endmodule

`default_nettype wire
