`default_nettype none

// The card's own time: nanoseconds since 1970, the second they lie in, and the trading day.
//
// A cycle adds `step` / 2^24 nanoseconds. Second and day turn by counters of their own, since a
// division of the nanoseconds would be wide; `load` takes all words over at once, and whoever sets
// them sees to it that they belong together. A day is 86,400 seconds and turns on a whole second.
module card_clock (
    input  wire         clk,
    input  wire         rst,
    input  wire         load,
    input  wire [63:0]  load_now_ns,
    input  wire [34:0]  load_second,
    input  wire [17:0]  load_day,
    input  wire [16:0]  load_second_of_day,
    input  wire [29:0]  load_ns_of_second,
    input  wire [31:0]  step,            // nanoseconds per cycle times 2^24
    output logic [63:0] now_ns,
    output logic [34:0] second,
    output logic [17:0] day
);
    localparam logic [30:0] SECOND_NS = 31'd1_000_000_000;
    localparam logic [16:0] DAY_SECONDS = 17'd86_400;

    logic [23:0] fraction;
    logic [29:0] ns_of_second;
    logic [16:0] second_of_day;

    wire [32:0] sum = {9'd0, fraction} + {1'b0, step};
    wire [8:0]  whole = sum[32:24];
    wire [30:0] ns_next = {1'b0, ns_of_second} + {22'd0, whole};
    wire        second_turns = ns_next >= SECOND_NS;
    wire [30:0] ns_wrapped = ns_next - SECOND_NS;
    wire [16:0] second_next = second_of_day + 17'd1;
    wire        day_turns = second_turns & (second_next >= DAY_SECONDS);

    always_ff @(posedge clk) begin
        fraction <= sum[23:0];
        now_ns <= now_ns + {55'd0, whole};
        ns_of_second <= second_turns ? ns_wrapped[29:0] : ns_next[29:0];
        if (second_turns) begin
            second <= second + 35'd1;
            second_of_day <= day_turns ? 17'd0 : second_next;
        end
        if (day_turns) day <= day + 18'd1;
        if (load) begin
            fraction <= 24'd0;
            now_ns <= load_now_ns;
            second <= load_second;
            day <= load_day;
            second_of_day <= load_second_of_day;
            ns_of_second <= load_ns_of_second;
        end
        if (rst) begin
            fraction <= 24'd0;
            now_ns <= 64'd0;
            second <= 35'd0;
            day <= 18'd0;
            second_of_day <= 17'd0;
            ns_of_second <= 30'd0;
        end
    end

    wire _unused = &{1'b0, ns_wrapped[30]};
endmodule

`default_nettype wire
