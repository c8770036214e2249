`default_nettype none

// The order sessions: what the host configured of each, and where its TCP connection stands.
//
// A connection is opened by the venue, not by the host: the host's SYN only proposes a first
// sequence number, and it counts once the venue's SYN-ACK has been seen to acknowledge it. A host
// could otherwise move the seam's idea of the stream against the venue's with a SYN that the venue
// ignores, and so hide an order inside another message.
//
// A source port of 0 in the configuration stands for any: the one of the last connection opened
// counts. What `open_now` takes over, it takes over between two frames.
module session_table #(
    parameter int SESSIONS = 4
) (
    input  wire         clk,
    input  wire         rst,

    // Configuration: word 0 source address, 1 destination address, 2 ports (source high),
    // 3 account, bit 31 in use, 4 epoch.
    input  wire                          cfg_write,
    input  wire [$clog2(SESSIONS)-1:0]   cfg_session,
    input  wire [2:0]                    cfg_word,
    input  wire [31:0]                   cfg_data,
    output logic [31:0]                  cfg_read,

    // The frame that is looked at.
    input  wire [31:0]  src_ip,
    input  wire [31:0]  dst_ip,
    input  wire [15:0]  src_port,
    input  wire [15:0]  dst_port,
    output wire         found,
    output wire         order_port,      // some session's destination port
    output wire  [$clog2(SESSIONS)-1:0] session,
    output wire [15:0]  account,
    output wire [31:0]  epoch,
    output wire         is_open,         // ... from this source port
    output wire [31:0]  next_seq,
    output wire [31:0]  recorded,
    output wire [31:0]  last_ref,

    // What became of it.
    input  wire         syn,             // a SYN passes; its sequence number
    input  wire [31:0]  syn_seq,
    input  wire         advance,         // new bytes pass: where the stream and the record stand now
    input  wire [31:0]  advance_seq,
    input  wire [31:0]  advance_recorded,
    input  wire         set_ref,
    input  wire [31:0]  set_ref_to,

    // The venue's SYN-ACK, and when it may be taken over.
    input  wire         answer,
    input  wire [31:0]  answer_src_ip,
    input  wire [31:0]  answer_dst_ip,
    input  wire [15:0]  answer_src_port,
    input  wire [15:0]  answer_dst_port,
    input  wire [31:0]  answer_ack,
    input  wire         quiet,
    output logic        opened
);
    logic [SESSIONS-1:0] used, open, pending, answered;
    logic [31:0] src_ips [SESSIONS];
    logic [31:0] dst_ips [SESSIONS];
    logic [15:0] src_ports [SESSIONS];
    logic [15:0] dst_ports [SESSIONS];
    logic [15:0] accounts [SESSIONS];
    logic [31:0] epochs [SESSIONS];
    logic [31:0] nexts [SESSIONS];       // next byte of the stream that was not seen
    logic [31:0] firsts [SESSIONS];      // first byte of the connection
    logic [31:0] kept [SESSIONS];        // bytes before `nexts` that are remembered
    logic [31:0] refs [SESSIONS];        // last UserRefNum
    logic [15:0] ports [SESSIONS];       // source port of the connection
    logic [31:0] asked_seq [SESSIONS];   // of the last SYN: first byte, source port
    logic [15:0] asked_port [SESSIONS];
    logic [31:0] told_seq [SESSIONS];    // of the last SYN that was answered
    logic [15:0] told_port [SESSIONS];

    wire [SESSIONS-1:0] same, same_port, acked;
    generate
        for (genvar i = 0; i < SESSIONS; i++) begin : match
            assign same_port[i] = used[i] & (dst_ports[i] == dst_port);
            assign same[i] = same_port[i] & (src_ips[i] == src_ip) & (dst_ips[i] == dst_ip)
                & ((src_ports[i] == 16'd0) | (src_ports[i] == src_port));
            assign acked[i] = answer & used[i] & pending[i] & (src_ips[i] == answer_dst_ip)
                & (dst_ips[i] == answer_src_ip) & (dst_ports[i] == answer_src_port)
                & (asked_port[i] == answer_dst_port) & (asked_seq[i] == answer_ack);
        end
    endgenerate
    function automatic logic [$clog2(SESSIONS)-1:0] lowest(input logic [SESSIONS-1:0] of);
        lowest = '0;
        for (int i = SESSIONS - 1; i >= 0; i--) if (of[i]) lowest = i[$clog2(SESSIONS)-1:0];
    endfunction
    assign found = |same;
    assign order_port = |same_port;
    assign session = lowest(same);
    assign account = accounts[session];
    assign epoch = epochs[session];
    assign is_open = open[session] & (ports[session] == src_port);
    assign next_seq = nexts[session];
    assign recorded = kept[session];
    assign last_ref = refs[session];

    always_comb begin
        case (cfg_word)
            3'd0: cfg_read = src_ips[cfg_session];
            3'd1: cfg_read = dst_ips[cfg_session];
            3'd2: cfg_read = {src_ports[cfg_session], dst_ports[cfg_session]};
            3'd3: cfg_read = {used[cfg_session], 15'd0, accounts[cfg_session]};
            3'd4: cfg_read = epochs[cfg_session];
            3'd5: cfg_read = {31'd0, open[cfg_session]};
            3'd6: cfg_read = nexts[cfg_session];
            default: cfg_read = refs[cfg_session];
        endcase
    end

    // A repeated SYN of the connection that is open changes nothing.
    wire syn_known = is_open & (syn_seq + 32'd1 == firsts[session]);
    always_ff @(posedge clk) begin
        opened <= quiet & (|(answered & used));
        for (int i = 0; i < SESSIONS; i++) begin
            if (acked[i]) begin
                pending[i] <= 1'b0;
                answered[i] <= 1'b1;
                told_seq[i] <= asked_seq[i];
                told_port[i] <= asked_port[i];
            end else if (quiet & answered[i]) begin
                answered[i] <= 1'b0;
                open[i] <= 1'b1;
                nexts[i] <= told_seq[i];
                firsts[i] <= told_seq[i];
                ports[i] <= told_port[i];
                kept[i] <= 32'd0;
            end
        end
        if (syn & ~syn_known) begin
            pending[session] <= 1'b1;
            asked_seq[session] <= syn_seq + 32'd1;
            asked_port[session] <= src_port;
        end
        if (advance) begin
            nexts[session] <= advance_seq;
            kept[session] <= advance_recorded;
        end
        if (set_ref) refs[session] <= set_ref_to;
        if (cfg_write) begin
            case (cfg_word)
                3'd0: src_ips[cfg_session] <= cfg_data;
                3'd1: dst_ips[cfg_session] <= cfg_data;
                3'd2: begin
                    src_ports[cfg_session] <= cfg_data[31:16];
                    dst_ports[cfg_session] <= cfg_data[15:0];
                end
                3'd3: begin
                    used[cfg_session] <= cfg_data[31];
                    accounts[cfg_session] <= cfg_data[15:0];
                end
                3'd4: epochs[cfg_session] <= cfg_data;
                default: ;
            endcase
            // Another peer, or none: whatever connection there was is not of this session.
            if ((cfg_word < 3'd3) | ((cfg_word == 3'd3) & ~cfg_data[31])) begin
                open[cfg_session] <= 1'b0;
                pending[cfg_session] <= 1'b0;
                answered[cfg_session] <= 1'b0;
            end
        end
        if (rst) begin
            used <= '0;
            open <= '0;
            pending <= '0;
            answered <= '0;
            opened <= 1'b0;
            for (int i = 0; i < SESSIONS; i++) refs[i] <= 32'd0;
        end
    end
endmodule

`default_nettype wire
