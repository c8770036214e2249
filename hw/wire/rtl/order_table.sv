`default_nettype none

// The orders that passed, so that a replace or a cancel finds what it names.
//
// UserRefNum rises strictly, so its low bits are the row: a session's table holds its last ROWS
// numbers, and an older order has been overwritten, which its tag shows.
module order_table #(
    parameter int SESSIONS = 4,
    parameter int ROWS = 4096,           // of each session; power of two
    parameter int INDEX_W = 16
) (
    input  wire                          clk,
    input  wire                          scrub,
    input  wire [$clog2(SESSIONS*ROWS)-1:0] scrub_row,
    input  wire [$clog2(SESSIONS)-1:0]   session,
    input  wire                          write,
    input  wire [31:0]                   write_ref,
    input  wire [INDEX_W-1:0]            write_symbol,
    input  wire                          write_sell,
    input  wire [31:0]                   ref_num,
    output wire                          hit,      // two cycles later
    output wire [INDEX_W-1:0]            symbol,
    output wire                          sell
);
    localparam int ROW_W = $clog2(ROWS);
    localparam int WIDTH = INDEX_W + 34; // symbol, sell, reference, valid

    logic [WIDTH-1:0] memory [SESSIONS*ROWS];

    wire [WIDTH-1:0] row_in = scrub ? '0 : {write_symbol, write_sell, write_ref, 1'b1};
    logic [WIDTH-1:0]  word;
    logic [31:0]       ref1, ref2;
    logic [$clog2(SESSIONS*ROWS)-1:0] row1;
    always_ff @(posedge clk) begin
        if (scrub | write)
            memory[scrub ? scrub_row : {session, write_ref[ROW_W-1:0]}] <= row_in;
        row1 <= {session, ref_num[ROW_W-1:0]};
        ref1 <= ref_num;
        word <= memory[row1];
        ref2 <= ref1;
    end

    assign hit = word[0] & (word[32:1] == ref2);
    assign sell = word[33];
    assign symbol = word[WIDTH-1:34];
endmodule

`default_nettype wire
