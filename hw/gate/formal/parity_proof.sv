`default_nettype none

// Claim: a wrong bit in the word that RAM answered is told at stage 3, or was not used at stage 1.
`ifndef BROKEN
`define BROKEN 0
`endif
module parity_proof (
    input wire clk,
    input wire rst,
    input wire [1:0] index,
    input wire write,
    input wire [1:0] next,
    input wire flip
);
    logic [2:0] started;
    initial started = 0;
    initial assume (rst);
    wire scrub = started < 3'd5;
    wire [1:0] row;
    wire parity_error;
    state_table #(.WIDTH(2), .DEPTH(4), .INDEX_W(2)) dut (
        .clk(clk), .rst(rst), .index(index), .flip(flip), .row(row), .parity_error(parity_error),
        .write(write), .next(next), .scrub(scrub & (started != 3'd0)), .scrub_index(started[1:0]), .broken(6'd`BROKEN)
    );
    // Rows written by an operation at distance 3 or 4, as decided in the last cycles.
    logic [1:0] index1, index2, index3, index4, index5;
    logic write4, write5;
    logic told_to1, told_to2;
    initial told_to1 = 0;
    initial told_to2 = 0;
    always_ff @(posedge clk) begin
        started <= rst ? 3'd1 : (started == 3'd6) ? 3'd6 : started + 3'd1;
        {index1, index2, index3, index4, index5} <= {index, index1, index2, index3, index4};
        write4 <= write & ~rst;
        write5 <= write4 & ~rst;
        // At stage 1 now: will a flip be seen?
        told_to1 <= flip & (started == 3'd6) & ~rst
            & ~(write4 & (index4 == index1)) & ~(write5 & (index5 == index1));
        told_to2 <= told_to1 & ~rst;
    end
    always_comb if (started < 3'd6) assume (!write && !flip);
    always_comb if (told_to2 && started == 3'd6) assert (parity_error);
endmodule

`default_nettype wire
