`default_nettype none

// Memory of lines of 64 bytes that is read and written at any byte.
//
// Two banks, of even and of odd lines: any 64 successive bytes lie in one line of each, so a read
// or a write of a window takes both banks once and one rotation. A window that runs over the end of
// its page continues at the page's beginning, which makes a page a ring.
module window_ram #(
    parameter int LINES = 32,       // power of two, at least 4
    parameter int PAGE_LINES = 32   // power of two, at least 2, at most LINES
) (
    input  wire                          clk,
    input  wire                          write,
    input  wire  [$clog2(LINES)+5:0]     write_at,
    input  wire  [511:0]                 write_data,
    input  wire  [63:0]                  write_mask,
    input  wire  [$clog2(LINES)+5:0]     read_at,
    output logic [511:0]                 read_data   // two cycles after `read_at`
);
    localparam int LINE_W = $clog2(LINES);
    localparam int PAGE_W = $clog2(PAGE_LINES);

    // The line behind one, in the same page.
    function automatic logic [LINE_W-1:0] behind(input logic [LINE_W-1:0] line);
        behind = line;
        behind[PAGE_W-1:0] = line[PAGE_W-1:0] + {{(PAGE_W-1){1'b0}}, 1'b1};
    endfunction

    logic [511:0] even [LINES/2];
    logic [511:0] odd [LINES/2];

    // Write: the window lies in the upper part of `low` and the lower part of `high`.
    wire [LINE_W-1:0] low_line = write_at[LINE_W+5:6];
    wire [LINE_W-1:0] high_line = behind(low_line);
    wire [1023:0]     spread = {512'd0, write_data} << {write_at[5:0], 3'd0};
    wire [127:0]      spread_mask = {64'd0, write_mask} << write_at[5:0];
    wire              low_odd = low_line[0];
    wire [LINE_W-2:0] even_line = low_odd ? high_line[LINE_W-1:1] : low_line[LINE_W-1:1];
    wire [LINE_W-2:0] odd_line = low_odd ? low_line[LINE_W-1:1] : high_line[LINE_W-1:1];
    wire [511:0]      even_data = low_odd ? spread[1023:512] : spread[511:0];
    wire [511:0]      odd_data = low_odd ? spread[511:0] : spread[1023:512];
    wire [63:0]       even_mask = low_odd ? spread_mask[127:64] : spread_mask[63:0];
    wire [63:0]       odd_mask = low_odd ? spread_mask[63:0] : spread_mask[127:64];
    always_ff @(posedge clk) begin
        for (int lane = 0; lane < 64; lane++) begin
            if (write & even_mask[lane]) even[even_line][lane*8 +: 8] <= even_data[lane*8 +: 8];
            if (write & odd_mask[lane]) odd[odd_line][lane*8 +: 8] <= odd_data[lane*8 +: 8];
        end
    end

    // Read: banks, then rotation.
    wire [LINE_W-1:0] read_low = read_at[LINE_W+5:6];
    wire [LINE_W-1:0] read_high = behind(read_low);
    wire [LINE_W-2:0] read_even = read_low[0] ? read_high[LINE_W-1:1] : read_low[LINE_W-1:1];
    wire [LINE_W-2:0] read_odd = read_low[0] ? read_low[LINE_W-1:1] : read_high[LINE_W-1:1];
    logic [511:0] even_word, odd_word;
    logic [5:0]   shift;
    logic         swapped;
    wire [1023:0] pair = swapped ? {even_word, odd_word} : {odd_word, even_word};
    wire [1023:0] rotated = pair >> {shift, 3'd0};
    always_ff @(posedge clk) begin
        even_word <= even[read_even];
        odd_word <= odd[read_odd];
        shift <= read_at[5:0];
        swapped <= read_low[0];
        read_data <= rotated[511:0];
    end

    wire _unused = &{1'b0, rotated[1023:512], high_line[0], read_high[0]};
endmodule

`default_nettype wire
