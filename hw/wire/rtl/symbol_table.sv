`default_nettype none

// Symbol text to dense index: exact, two reads, no search.
//
// Two ways, one row each per key, named by two halves of the key's CRC-32C. A row holds the whole
// key, and only an equal key is a hit. The host places the keys (cuckoo insertion), so a table that
// it could fill has every symbol at one of its two places.
module symbol_table #(
    parameter int ROWS = 16384,          // of each way; power of two, at most 65,536
    parameter int INDEX_W = 16
) (
    input  wire                clk,
    input  wire                scrub,
    input  wire [$clog2(ROWS)-1:0] scrub_row,
    input  wire                write,
    input  wire                write_way,
    input  wire [$clog2(ROWS)-1:0] write_row,
    input  wire                write_valid,
    input  wire [63:0]         write_key,
    input  wire [INDEX_W-1:0]  write_index,
    input  wire [63:0]         key,      // its first byte is bits 7:0
    output wire                hit,      // two cycles later
    output wire [INDEX_W-1:0]  index
);
    localparam int ROW_W = $clog2(ROWS);

    // CRC-32C, bits of each byte from the lowest on, as RFC 3720 has it.
    function automatic logic [31:0] crc(input logic [63:0] of);
        crc = 32'hffff_ffff;
        for (int place = 0; place < 64; place++) begin
            crc = {1'b0, crc[31:1]} ^ ((crc[0] ^ of[place]) ? 32'h82f6_3b78 : 32'd0);
        end
        crc = ~crc;
    endfunction

    logic [INDEX_W+64:0] way0 [ROWS];
    logic [INDEX_W+64:0] way1 [ROWS];

    wire [INDEX_W+64:0] row_in = scrub ? '0 : {write_index, write_key, write_valid};
    wire [ROW_W-1:0]    row_at = scrub ? scrub_row : write_row;
    wire [31:0]         hash = crc(key);
    logic [INDEX_W+64:0] word0, word1;
    logic [ROW_W-1:0]    row0, row1;
    logic [63:0]         key1, key2;
    always_ff @(posedge clk) begin
        if (scrub | (write & ~write_way)) way0[row_at] <= row_in;
        if (scrub | (write & write_way)) way1[row_at] <= row_in;
        row0 <= hash[ROW_W-1:0];
        row1 <= hash[16 +: ROW_W];
        key1 <= key;
        word0 <= way0[row0];
        word1 <= way1[row1];
        key2 <= key1;
    end

    wire hit0 = word0[0] & (word0[64:1] == key2);
    wire hit1 = word1[0] & (word1[64:1] == key2);
    assign hit = hit0 | hit1;
    assign index = hit0 ? word0[INDEX_W+64:65] : word1[INDEX_W+64:65];

    wire _unused = &{1'b0, hash};
endmodule

`default_nettype wire
