`default_nettype none

// Takes one frame in, beat by beat, and says what its headers are and whether its sums are right.
//
// Ethernet II, at most one 802.1Q tag, IPv4 without options, TCP with options: all headers that
// decide lie in the first beat. The sum over TCP is taken as the beats come in, one cycle behind.
// `done` is high for one cycle, two cycles after the last beat; everything else then stands until
// the next frame begins.
module frame_in #(
    parameter int LINES = 32
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         take,            // beats are taken while high

    input  wire [511:0] s_axis_tdata,
    input  wire [63:0]  s_axis_tkeep,
    input  wire         s_axis_tlast,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,

    output wire                        write,
    output wire [$clog2(LINES)+5:0]    write_at,

    output logic        begins,          // the first beat of a frame is taken
    output logic        done,
    output wire         whole,           // no hole in it, it fits the memory and holds its headers
    output wire [11:0]  bytes,
    output wire         is_arp,
    output wire         is_ipv4,
    output wire         ip_plain,        // version 4, no options
    output wire         ip_sum_good,
    output wire         ip_fits,         // the total length lies within the frame
    output wire         is_fragment,
    output wire         is_tcp,
    output wire         tcp_fits,        // the header lies within the packet
    output wire         tcp_sum_good,
    output wire [31:0]  src_ip,
    output wire [31:0]  dst_ip,
    output wire [15:0]  src_port,
    output wire [15:0]  dst_port,
    output wire [31:0]  seq,
    output wire [5:0]   flags,           // URG ACK PSH RST SYN FIN
    output wire [15:0]  tcp_sum,         // as it stands in the header
    output wire [11:0]  tcp_sum_at,
    output wire [11:0]  payload_at,
    output wire [11:0]  payload_end
);
    localparam int BYTES_MAX = LINES * 64;

    // Stage 0: the beat comes in.
    logic [5:0] beat;                    // number of the beat that comes, stops at the last that fits
    logic       over;                    // beats beyond the memory
    assign s_axis_tready = take;
    wire fires = s_axis_tvalid & s_axis_tready;
    assign write = fires & ~over;
    assign write_at = {beat[$clog2(LINES)-1:0], 6'd0};
    assign begins = fires & (beat == 6'd0) & ~over;

    // Bytes of the beat: the first zero of tkeep, which must be the end of it.
    function automatic logic [6:0] count(input logic [63:0] keep);
        count = 7'd0;
        for (int lane = 0; lane < 64; lane++) count = count + {6'd0, keep[lane]};
    endfunction
    wire [63:0] keep_above = s_axis_tkeep + 64'd1;
    wire        keep_good = ((keep_above & s_axis_tkeep) == 64'd0) & s_axis_tkeep[0]
        & (s_axis_tlast | (&s_axis_tkeep));

    // Stage 1: the beat in registers, the headers taken apart.
    logic [511:0] data1;
    logic [5:0]   beat1;
    logic         valid1, last1, holed, long_frame, vlan;
    logic [11:0]  bytes1;
    logic [511:0] head;                  // the first beat without the tag
    wire is_tagged = wire_pkg::be16(s_axis_tdata, 12) == 16'h8100;
    always_ff @(posedge clk) begin
        valid1 <= fires & ~over;
        last1 <= fires & s_axis_tlast;
        data1 <= s_axis_tdata;
        beat1 <= beat;
        if (fires) begin
            holed <= ~keep_good | (holed & (beat != 6'd0));
            long_frame <= over | (long_frame & (beat != 6'd0));
            if (~over) bytes1 <= {beat, 6'd0} + {5'd0, count(s_axis_tkeep)};
            if ((beat == 6'd0) & ~over) begin
                vlan <= is_tagged;
                head <= is_tagged ? {32'd0, s_axis_tdata[511:128], s_axis_tdata[95:0]}
                                  : s_axis_tdata;
            end
            beat <= s_axis_tlast ? 6'd0 : (beat == 6'(LINES - 1)) ? beat : beat + 6'd1;
            over <= ~s_axis_tlast & (over | (beat == 6'(LINES - 1)));
        end
        if (rst) begin
            beat <= 6'd0;
            over <= 1'b0;
            valid1 <= 1'b0;
            last1 <= 1'b0;
        end
    end

    // Offsets grow by four behind a tag.
    wire [11:0] tag_bytes = vlan ? 12'd4 : 12'd0;
    wire [15:0] total = wire_pkg::be16(head, 16);
    wire [15:0] frame_end = total + 16'd14 + {4'd0, tag_bytes};
    assign bytes = bytes1;
    assign whole = ~holed & ~long_frame & (bytes >= (is_ipv4 ? 12'd34 : 12'd14) + tag_bytes);
    assign is_arp = wire_pkg::be16(head, 12) == 16'h0806;
    assign is_ipv4 = wire_pkg::be16(head, 12) == 16'h0800;
    assign ip_plain = head[14*8 +: 8] == 8'h45;
    assign ip_sum_good = wire_pkg::sum_of(head, 64'h0000_0003_ffff_c000) == 16'hffff; // bytes 14 to 33
    assign ip_fits = (total >= 16'd20) & (frame_end <= {4'd0, bytes}) & (total < 16'(BYTES_MAX));
    assign is_fragment = (wire_pkg::be16(head, 20) & 16'h3fff) != 16'd0; // more to come, or not the first
    assign is_tcp = head[23*8 +: 8] == 8'd6;
    assign src_ip = wire_pkg::be32(head, 26);
    assign dst_ip = wire_pkg::be32(head, 30);
    assign src_port = wire_pkg::be16(head, 34);
    assign dst_port = wire_pkg::be16(head, 36);
    assign seq = wire_pkg::be32(head, 38);
    assign flags = head[47*8 +: 6];
    assign tcp_sum = wire_pkg::be16(head, 50);
    assign tcp_sum_at = 12'd50 + tag_bytes;
    wire [3:0]  offset = head[46*8+4 +: 4];
    wire [11:0] tcp_at = 12'd34 + tag_bytes;
    assign payload_at = tcp_at + {6'd0, offset, 2'd0};
    assign payload_end = frame_end[11:0];
    assign tcp_fits = (total >= 16'd40) & (offset >= 4'd5) & (payload_at <= payload_end);

    // Stage 2: the sum over the pseudo header and the segment, beat by beat.
    wire [11:0] at1 = {beat1, 6'd0};
    wire [11:0] lead = (tcp_at > at1) ? tcp_at - at1 : 12'd0;
    wire [11:0] until_end = (frame_end[11:0] > at1) ? frame_end[11:0] - at1 : 12'd0;
    wire [63:0] mask_end = wire_pkg::first_bytes(until_end);
    wire [63:0] mask_lead = wire_pkg::first_bytes(lead);
    wire [63:0] mask1 = mask_end & ~mask_lead;
    wire [15:0] pseudo = wire_pkg::add_once(wire_pkg::sum_of(head, 64'h0000_0003_fc00_0000), // both addresses
                                  wire_pkg::add_once(16'd6, total - 16'd20));
    logic [15:0] sum;
    assign tcp_sum_good = sum == 16'hffff;
    always_ff @(posedge clk) begin
        if (valid1) sum <= wire_pkg::add_once((beat1 == 6'd0) ? pseudo : sum, wire_pkg::sum_of(data1, mask1));
        done <= last1 & ~rst;
    end

    wire _unused = &{1'b0, head[511:432], head[18*8 +: 16], head[22*8 +: 8],
                     head[24*8 +: 16], head[42*8 +: 32], head[47*8+6 +: 2], head[48*8 +: 16],
                     head[95:0], head[15*8 +: 8], head[46*8 +: 4]};
endmodule

`default_nettype wire
