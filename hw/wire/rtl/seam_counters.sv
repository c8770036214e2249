`default_nettype none

// What happened, counted; 32 bits each, saturating. Latencies are values, not counts.
module seam_counters (
    input  wire         clk,
    input  wire         rst,
    input  wire         frame_in,
    input  wire         frame_out,
    input  wire         order,
    input  wire         session_message,
    input  wire         control_message,
    input  wire         seen_again,
    input  wire         opened,
    input  wire         refused,
    input  wire [2:0]   refused_why,
    input  wire         dropped,
    input  wire [3:0]   dropped_why,
    input  wire [31:0]  latency,         // at `frame_out`
    input  wire [4:0]   at,
    output logic [31:0] value
);
    logic [31:0] counts [32];
    wire [31:0] events;
    assign events[wire_pkg::CNT_FRAMES_IN] = frame_in;
    assign events[wire_pkg::CNT_FRAMES_OUT] = frame_out;
    assign events[wire_pkg::CNT_ORDERS] = order;
    assign events[wire_pkg::CNT_SESSION] = session_message;
    assign events[wire_pkg::CNT_CONTROL] = control_message;
    assign events[wire_pkg::CNT_SEEN_AGAIN] = seen_again;
    assign events[wire_pkg::CNT_OPENED] = opened;
    assign events[wire_pkg::CNT_LATENCY_MAX:wire_pkg::CNT_LATENCY] = 2'd0;
    assign events[15:wire_pkg::CNT_REFUSE] = {6'd0, refused} << refused_why;
    assign events[31:wire_pkg::CNT_DROP] = {15'd0, dropped} << dropped_why;

    always_ff @(posedge clk) begin
        for (int i = 0; i < 32; i++) begin
            if (rst) counts[i] <= 32'd0;
            else if (events[i] & ~(&counts[i])) counts[i] <= counts[i] + 32'd1;
        end
        if (frame_out & ~rst) begin
            counts[wire_pkg::CNT_LATENCY] <= latency;
            if (latency > counts[wire_pkg::CNT_LATENCY_MAX])
                counts[wire_pkg::CNT_LATENCY_MAX] <= latency;
        end
        value <= counts[at];
    end
endmodule

`default_nettype wire
