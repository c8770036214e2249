`default_nettype none

// First word falls through: a word written this cycle can be read in the next. The writer keeps
// credits, so a write never finds it full; if one does, the word is lost and `overflow` says so.
module verdict_fifo #(
    parameter int WIDTH = 512,
    parameter int DEPTH = 64
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              write,
    input  wire [WIDTH-1:0]  in_word,
    output wire              overflow,
    output wire              out_valid,
    output wire [WIDTH-1:0]  out_word,
    input  wire              out_ready,
    // Planted faults: bit 0 moves on before the word was taken, bit 1 lends the newest word.
    input  wire [1:0]        broken
);
    localparam int W = $clog2(DEPTH);
    logic [WIDTH-1:0] memory [DEPTH];
    logic [W:0] head, tail;   // one bit more than an index: equal is empty, a turn apart is full
    wire full = (head[W-1:0] == tail[W-1:0]) & (head[W] != tail[W]);
    assign out_valid = head != tail;
    assign out_word = memory[broken[1] ? tail[W-1:0] - 1'b1 : head[W-1:0]];
    assign overflow = write & full;
    always_ff @(posedge clk) begin
        if (write & ~full) memory[tail[W-1:0]] <= in_word;
        if (rst) begin
            head <= '0;
            tail <= '0;
        end else begin
            if (write & ~full) tail <= tail + 1'b1;
            if (out_valid & (out_ready | broken[0])) head <= head + 1'b1;
        end
    end
endmodule

`default_nettype wire
