`default_nettype none

// Claim: an operation at stage 3 sees its row as all operations ahead have left it, whatever the
// distances, with resets and scrubs at any time; and reset leaves no write behind.
//
// One row is watched, any one. Beside the table runs what the row is by definition: a write takes
// effect one stage after it was decided, unless reset is there. Operations that were on their way
// during a reset or scrub are dead, so they are not looked at.
module table_proof (
    input wire clk,
    input wire rst,
    input wire [1:0] index,
    input wire write,
    input wire [WIDTH-1:0] next,
    input wire scrub,
    input wire [1:0] scrub_index,
    input wire flip
);
    localparam int WIDTH = 2;
    localparam logic [WIDTH-1:0] CLOSED = 2'b10;
`ifndef BROKEN
`define BROKEN 0
`endif
    wire [WIDTH-1:0] row;
    wire parity_error;
    state_table #(.WIDTH(WIDTH), .DEPTH(4), .INDEX_W(2), .CLOSED(CLOSED)) dut (
        .clk(clk), .rst(rst), .index(index), .flip(flip), .row(row), .parity_error(parity_error),
        .write(write), .next(next), .scrub(scrub), .scrub_index(scrub_index), .broken(6'd`BROKEN)
    );

    (* anyconst *) wire [1:0] watched;
    logic [1:0] index1, index2, index3;
    logic pending, known;
    logic any_pending;
    logic [WIDTH-1:0] pending_row, row_now;
    logic [2:0] quiet;      // cycles since the last reset or scrub, at most 5
    logic [3:0] read_known; // the row stood in RAM when the operation now at stage 3 asked for it

    initial quiet = 0;
    initial known = 0;
    initial pending = 0;
    initial any_pending = 0;
    initial read_known = 0;
    initial assume (rst);

    always_ff @(posedge clk) begin
        index1 <= index;
        index2 <= index1;
        index3 <= index2;
        any_pending <= write & ~rst;
        pending <= write & ~rst & (index3 == watched);
        pending_row <= next;
        if (scrub & ~rst & (scrub_index == watched)) begin
            row_now <= CLOSED;
            known <= 1'b1;
        end else if (pending & ~rst) begin
            row_now <= pending_row;
            known <= 1'b1;
        end
        quiet <= (rst | scrub) ? 3'd0 : (quiet == 3'd5) ? quiet : quiet + 3'd1;
        read_known <= {read_known[2:0], known};
    end

    // A scrub runs while the pipe is empty; a write belongs to an operation that began after it.
    always_comb begin
        if (scrub) assume (!write && !any_pending);
        if (quiet < 3'd4) assume (!write);
        assume (!flip);
    end

    wire [WIDTH-1:0] expected = pending ? pending_row : row_now;
    always_comb begin
        if ((quiet >= 3'd4) && (index3 == watched) && (known || pending)) begin
            assert (row == expected);
        end
        if ((quiet >= 3'd4) && (index3 == watched) && read_known[2]) begin
            assert (!parity_error);
        end
    end
endmodule

`default_nettype wire
