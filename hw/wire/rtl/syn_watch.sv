`default_nettype none

// Listens to what the venue sends and finds its SYN-ACKs. It looks at the first beat of a frame only
// and changes nothing: Ethernet II, at most one 802.1Q tag, IPv4 without options.
module syn_watch (
    input  wire         clk,
    input  wire         rst,
    input  wire [511:0] rx_tdata,
    input  wire         rx_tlast,
    input  wire         rx_tvalid,
    input  wire         rx_tready,
    output logic        answer,
    output logic [31:0] src_ip,
    output logic [31:0] dst_ip,
    output logic [15:0] src_port,
    output logic [15:0] dst_port,
    output logic [31:0] ack
);
    localparam logic [5:0] SYN_ACK = 6'b010010;

    logic mid_frame;                        // a frame has begun
    wire  fires = rx_tvalid & rx_tready;
    wire  is_tagged = wire_pkg::be16(rx_tdata, 12) == 16'h8100;
    wire [511:0] head = is_tagged ? {32'd0, rx_tdata[511:128], rx_tdata[95:0]} : rx_tdata;
    wire is_tcp = (wire_pkg::be16(head, 12) == 16'h0800) & (head[14*8 +: 8] == 8'h45)
        & (head[23*8 +: 8] == 8'd6) & ((wire_pkg::be16(head, 20) & 16'h3fff) == 16'd0);
    always_ff @(posedge clk) begin
        if (fires) mid_frame <= ~rx_tlast;
        answer <= fires & ~mid_frame & is_tcp & (head[47*8 +: 6] == SYN_ACK) & ~rst;
        src_ip <= wire_pkg::be32(head, 26);
        dst_ip <= wire_pkg::be32(head, 30);
        src_port <= wire_pkg::be16(head, 34);
        dst_port <= wire_pkg::be16(head, 36);
        ack <= wire_pkg::be32(head, 42);
        if (rst) mid_frame <= 1'b0;
    end

    wire _unused = &{1'b0, head};
endmodule

`default_nettype wire
