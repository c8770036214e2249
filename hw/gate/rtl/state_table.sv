`default_nettype none

// One table of rows behind a pipe that takes an operation every cycle.
//
// An operation names its row at stage 0 and sees it at stage 3, as every operation ahead of it has
// left it; what becomes of the row is decided in the same cycle. The RAM is two cycles behind, so a
// row comes from the newest of
//
//   distance  where the writer stands                        taken at
//   1         write-back register                            stage 3
//   2         write-back register                            stage 2
//   3         write-back register                            stage 1
//   4         the register behind it (RAM read and written   stage 1
//             in one cycle: the RAM's answer is not used)
//   5, more   RAM
//
// A later stage overrules an earlier one, since its writer is newer. Each 64 bits of a row carry one
// parity bit, checked where the RAM's word is used. Reset gates every write, a write-back in flight
// included.
module state_table #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 16,
    parameter int INDEX_W = $clog2(DEPTH),
    parameter logic [WIDTH-1:0] CLOSED = '0
) (
    input  wire               clk,
    input  wire               rst,
    // Stage 0.
    input  wire [INDEX_W-1:0] index,
    // Stage 1: stores a wrong bit in the word that was read (fault injection).
    input  wire               flip,
    // Stage 3.
    output wire [WIDTH-1:0]   row,
    output wire               parity_error,
    input  wire               write,
    input  wire [WIDTH-1:0]   next,
    // Writes CLOSED while the pipe is empty.
    input  wire               scrub,
    input  wire [INDEX_W-1:0] scrub_index,
    // Planted faults: bits 0 to 3 leave out the forwarding of that distance (1 to 4), bit 4 lets reset
    // pass a write, bit 5 ignores parity.
    input  wire [5:0]         broken
);
    localparam int WORDS = (WIDTH + 63) / 64;

    // One parity bit per 64 bits of the row.
    function automatic logic [WORDS-1:0] parity(input logic [WIDTH-1:0] of);
        logic [WORDS*64-1:0] padded;
        padded = '0;
        padded[WIDTH-1:0] = of;
        for (int word = 0; word < WORDS; word++) parity[word] = ^padded[word*64 +: 64];
    endfunction

    logic [WIDTH+WORDS-1:0] memory [DEPTH];

    logic               wb_write, old_write;
    logic [INDEX_W-1:0] wb_index, old_index;
    logic [WIDTH-1:0]   wb_row, old_row;

    // RAM: one port writes, one reads.
    wire                     store = (wb_write | scrub) & (~rst | broken[4]);
    wire [INDEX_W-1:0]       store_index = scrub ? scrub_index : wb_index;
    wire [WIDTH-1:0]         store_row = scrub ? CLOSED : wb_row;
    logic [WIDTH+WORDS-1:0]  word1;
    always_ff @(posedge clk) begin
        if (store) memory[store_index] <= {parity(store_row), store_row};
        word1 <= memory[index];
    end

    // Stage 1: RAM, or the writer at distance 4 or 3.
    logic [INDEX_W-1:0] index1, index2, index3;
    wire hit_old1 = old_write & (old_index == index1) & ~broken[3];
    wire hit_wb1 = wb_write & (wb_index == index1) & ~broken[2];
    wire [WIDTH-1:0] read1 = word1[WIDTH-1:0] ^ {{(WIDTH-1){1'b0}}, flip};
    wire wrong1 = (parity(read1) != word1[WIDTH +: WORDS]) & ~hit_old1 & ~hit_wb1 & ~broken[5];

    // Stage 2: the writer at distance 2. Whether the one at distance 1 names this row is known here.
    logic [WIDTH-1:0] row2, row3;
    logic             wrong2, wrong3, same3;
    wire hit_wb2 = wb_write & (wb_index == index2) & ~broken[1];

    // Stage 3: the writer at distance 1.
    assign row = (wb_write & same3 & ~broken[0]) ? wb_row : row3;
    assign parity_error = wrong3;

    always_ff @(posedge clk) begin
        index1 <= index;
        index2 <= index1;
        index3 <= index2;
        row2 <= hit_wb1 ? wb_row : hit_old1 ? old_row : read1;
        row3 <= hit_wb2 ? wb_row : row2;
        same3 <= index2 == index3;
        wrong2 <= wrong1;
        wrong3 <= wrong2;
        wb_index <= index3;
        wb_row <= next;
        old_index <= wb_index;
        old_row <= wb_row;
        wb_write <= write & ~rst;
        old_write <= wb_write & ~rst;
    end
endmodule

`default_nettype wire
