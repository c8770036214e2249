`default_nettype none

// The wire-side seam: between an order source and a MAC, every frame stops here, is looked at, and
// leaves unchanged, with refused messages overwritten, or not at all.
//
// One frame at a time. It is stored as it comes in; its headers decide whether it is dropped, passes,
// or carries bytes of an order session. Of those, bytes that were seen before are replaced by what
// was let through then, whatever the host says they are now; new bytes must follow at once, are
// walked message by message, each judged by the core, and remembered as they leave. So at every
// place of the stream the venue can only ever get one and the same byte.
module wire_seam #(
    parameter int SESSIONS = 4,          // power of two, at least 2
    parameter int SYMBOL_ROWS = 16384,    // of each of two ways
    parameter int ORDERS = 4096,         // remembered of each session
    parameter int HISTORY = 4096         // bytes remembered of each session
) (
    input  wire         clk,
    input  wire         rst,

    // Frames of the host, and to the MAC; no preamble, no frame check sequence.
    input  wire [511:0] s_axis_tdata,
    input  wire [63:0]  s_axis_tkeep,
    input  wire         s_axis_tlast,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    output wire [511:0] m_axis_tdata,
    output wire [63:0]  m_axis_tkeep,
    output wire         m_axis_tlast,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,

    // What the MAC hands to the host, listened to.
    input  wire [511:0] rx_tdata,
    input  wire         rx_tlast,
    input  wire         rx_tvalid,
    input  wire         rx_tready,

    // Operations to the core and its answers; `seq` is written by whoever joins the streams.
    output wire [511:0] op_tdata,
    output wire         op_tvalid,
    input  wire         op_tready,
    input  wire [511:0] verdict_tdata,
    input  wire         verdict_tvalid,
    output wire         scrubs,          // everything here is forgotten now
    input  wire         killed,          // of the core, shown in the status

    input  wire [11:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [11:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready
);
    localparam int SESSION_W = $clog2(SESSIONS);
    localparam int INDEX_W = 16;
    localparam int FRAME_LINES = 32;     // 2,048 bytes
    localparam int PAGE_LINES = HISTORY / 64;
    localparam int HISTORY_W = $clog2(HISTORY);
    localparam int SCRUB_ROWS = (SESSIONS * ORDERS > SYMBOL_ROWS) ? SESSIONS * ORDERS : SYMBOL_ROWS;
    localparam int SCRUB_W = $clog2(SCRUB_ROWS);

    localparam logic [2:0] TAKE = 3'd0;    // beats come in
    localparam logic [2:0] CHECK = 3'd1;   // the last sums
    localparam logic [2:0] ACT = 3'd2;
    localparam logic [2:0] RESTORE = 3'd3; // bytes that were seen before
    localparam logic [2:0] WALK = 3'd4;    // new messages
    localparam logic [2:0] RECORD = 3'd5;
    localparam logic [2:0] SUM = 3'd6;     // checksum
    localparam logic [2:0] SEND = 3'd7;

    logic [2:0]  state;
    logic [1:0]  settle;                 // cycles until a window answers
    wire         ready = settle == 2'd0;
    logic        mid_frame;

    // ------------------------------------------------------------------ registers, clock, counters
    wire [63:0]  now_ns;
    wire [34:0]  second;
    wire [17:0]  day;
    wire         do_scrub, do_load_clock, do_write_symbol, session_write;
    wire [3:0]   policy;
    wire [31:0]  tags, verdict_cycles, step, session_data, session_read, counter;
    wire [63:0]  load_now_ns, symbol_write_key;
    wire [34:0]  load_second;
    wire [17:0]  load_day;
    wire [16:0]  load_second_of_day;
    wire [29:0]  load_ns_of_second;
    wire [15:0]  symbol_write_index, symbol_write_row;
    wire         symbol_write_valid, symbol_write_way;
    wire [SESSION_W-1:0] session_at;
    wire [2:0]   session_word;
    wire [4:0]   counter_at;
    logic        scrubbing, scrub_waits, dead;
    logic [SCRUB_W-1:0] scrub_row;
    seam_regs #(
        .SESSIONS(SESSIONS), .SYMBOL_ROWS(SYMBOL_ROWS), .ORDERS(ORDERS), .HISTORY(HISTORY)
    ) regs (
        .clk, .rst,
        .s_axil_awaddr, .s_axil_awvalid, .s_axil_awready,
        .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready,
        .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
        .s_axil_araddr, .s_axil_arvalid, .s_axil_arready,
        .s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
        .do_scrub, .do_load_clock, .do_write_symbol, .policy, .tags, .verdict_cycles,
        .load_now_ns, .load_second, .load_day, .load_second_of_day, .load_ns_of_second, .step,
        .symbol_key(symbol_write_key), .symbol_index(symbol_write_index),
        .symbol_valid(symbol_write_valid), .symbol_way(symbol_write_way),
        .symbol_row(symbol_write_row),
        .session_write, .session_at, .session_word, .session_data, .session_read,
        .counter_at, .counter,
        .status({29'd0, killed, dead, ~scrubbing & ~scrub_waits}), .now_ns
    );

    card_clock clock (
        .clk, .rst, .load(do_load_clock), .load_now_ns, .load_second, .load_day,
        .load_second_of_day, .load_ns_of_second, .step, .now_ns, .second, .day
    );

    // A scrub begins between two frames.
    wire scrub_starts = scrub_waits & (state == TAKE) & ~mid_frame & ~s_fires;
    assign scrubs = scrub_starts;
    always_ff @(posedge clk) begin
        if (do_scrub) scrub_waits <= 1'b1;
        if (scrub_starts) begin
            scrub_waits <= 1'b0;
            scrubbing <= 1'b1;
            scrub_row <= '0;
        end else if (scrubbing) begin
            scrub_row <= scrub_row + 1'b1;
            if (scrub_row == SCRUB_W'(SCRUB_ROWS - 1)) scrubbing <= 1'b0;
        end
        if (rst) begin
            scrub_waits <= 1'b1;
            scrubbing <= 1'b0;
        end
    end

    // ------------------------------------------------------------------ the frame
    wire        s_fires = s_axis_tvalid & s_axis_tready;
    wire        in_write, begins, checked, whole, is_arp, is_ipv4, ip_plain, ip_sum_good, ip_fits;
    wire        is_fragment, is_tcp, tcp_fits, tcp_sum_good;
    wire [11:0] bytes, tcp_sum_at, payload_at, payload_end;
    wire [10:0] in_write_at;
    wire [31:0] src_ip, dst_ip, seq;
    wire [15:0] src_port, dst_port, tcp_sum;
    wire [5:0]  flags;
    frame_in #(.LINES(FRAME_LINES)) taker (
        .clk, .rst, .take((state == TAKE) & ~scrubbing & ~(scrub_waits & ~mid_frame) & ~rst),
        .s_axis_tdata, .s_axis_tkeep, .s_axis_tlast, .s_axis_tvalid, .s_axis_tready,
        .write(in_write), .write_at(in_write_at), .begins, .done(checked),
        .whole, .bytes, .is_arp, .is_ipv4, .ip_plain, .ip_sum_good, .ip_fits, .is_fragment,
        .is_tcp, .tcp_fits, .tcp_sum_good, .src_ip, .dst_ip, .src_port, .dst_port, .seq, .flags,
        .tcp_sum, .tcp_sum_at, .payload_at, .payload_end
    );

    // ------------------------------------------------------------------ the session
    wire        answer;
    wire [31:0] answer_src_ip, answer_dst_ip, answer_ack;
    wire [15:0] answer_src_port, answer_dst_port;
    syn_watch watch (
        .clk, .rst, .rx_tdata, .rx_tlast, .rx_tvalid, .rx_tready, .answer,
        .src_ip(answer_src_ip), .dst_ip(answer_dst_ip),
        .src_port(answer_src_port), .dst_port(answer_dst_port), .ack(answer_ack)
    );
    wire        found, order_port, is_open, opened, set_ref;
    wire [SESSION_W-1:0] session;
    wire [15:0] account;
    wire [31:0] epoch, next_seq, recorded, last_ref, set_ref_to;
    logic       syn, advance;
    logic [31:0] advance_recorded;
    wire [11:0] fresh;
    session_table #(.SESSIONS(SESSIONS)) sessions (
        .clk, .rst(rst | scrub_starts),
        .cfg_write(session_write), .cfg_session(session_at), .cfg_word(session_word),
        .cfg_data(session_data), .cfg_read(session_read),
        .src_ip, .dst_ip, .src_port, .dst_port, .found, .order_port, .session, .account, .epoch,
        .is_open, .next_seq, .recorded, .last_ref,
        .syn, .syn_seq(seq), .advance, .advance_seq(next_seq + {20'd0, fresh}), .advance_recorded,
        .set_ref, .set_ref_to,
        .answer, .answer_src_ip, .answer_dst_ip, .answer_src_port, .answer_dst_port, .answer_ack,
        .quiet(state == TAKE), .opened
    );

    // ------------------------------------------------------------------ what becomes of the frame
    wire [11:0] payload = payload_end - payload_at;
    wire [31:0] behind = next_seq - seq; // bytes that were seen before, if not negative
    wire        has_fin = flags[0], has_syn = flags[1], has_rst = flags[2], has_ack = flags[4];
    wire        has_urg = flags[5];
    wire pass_arp = policy[wire_pkg::POLICY_ARP], pass_ipv4 = policy[wire_pkg::POLICY_IPV4];
    wire pass_tcp = policy[wire_pkg::POLICY_TCP], pass_other = policy[wire_pkg::POLICY_OTHER];
    wire is_ahead = behind[31];
    wire flags_bad = has_urg | (has_syn & (has_ack | has_fin | has_rst)) | (has_rst & has_fin)
        | ((has_syn | has_rst | ~has_ack) & (payload != 12'd0));
    logic       drops, carries;          // neither: passes as it is
    logic [3:0] why;
    always_comb begin
        drops = 1'b1;
        carries = 1'b0;
        why = wire_pkg::DROP_POLICY;
        if (~whole) why = wire_pkg::DROP_LENGTH;
        else if (~is_ipv4) drops = is_arp ? ~pass_arp : ~pass_other;
        else if (~ip_plain) why = wire_pkg::DROP_IP;
        else if (~ip_sum_good) why = wire_pkg::DROP_IP_SUM;
        else if (~ip_fits) why = wire_pkg::DROP_LENGTH;
        else if (is_fragment) why = wire_pkg::DROP_FRAGMENT;
        else if (~is_tcp) drops = ~pass_ipv4;
        else if (~tcp_fits) why = wire_pkg::DROP_TCP;
        else if (~tcp_sum_good) why = wire_pkg::DROP_TCP_SUM;
        else if (~found) drops = order_port | ~pass_tcp;
        else if (flags_bad) why = wire_pkg::DROP_TCP;
        else if (has_syn | has_rst) drops = 1'b0;
        else if (~is_open) why = wire_pkg::DROP_STATE;
        else if (payload == 12'd0) drops = 1'b0;
        else if (dead) why = wire_pkg::DROP_DEAD;
        else if (is_ahead) why = wire_pkg::DROP_ORDER;
        else if (behind > recorded) why = wire_pkg::DROP_OLD;
        else {drops, carries} = 2'b01;
    end
    wire [11:0] again = (behind >= {20'd0, payload}) ? payload : behind[11:0];
    logic [11:0] seen;                   // bytes of the payload that were seen before
    assign fresh = payload - seen;

    // ------------------------------------------------------------------ memories
    logic [11:0]   at;                   // where in the frame this stands
    logic [HISTORY_W-1:0] ring;          // ... and in the history
    logic [11:0]   left;                 // bytes still to copy
    wire [63:0]    left_mask = wire_pkg::first_bytes(left);
    wire [11:0]    walk_read_at, walk_patch_at;
    wire           walk_patch;
    wire [511:0]   walk_old, walk_new, frame_window, history_window;
    wire [63:0]    walk_mask;
    logic [15:0]   new_sum;
    wire           restores = (state == RESTORE) & ready;
    wire           sums = (state == SUM) & ready;
    wire           patches = walk_patch | restores;
    wire [11:0]    patch_at = restores ? at : walk_patch_at;
    wire [511:0]   patch_old = restores ? frame_window : walk_old;
    wire [511:0]   patch_new = restores ? history_window : walk_new;
    wire [63:0]    patch_mask = restores ? left_mask : walk_mask;
    wire [11:0]    frame_write_at = in_write ? {1'b0, in_write_at} : sums ? tcp_sum_at : patch_at;
    window_ram #(.LINES(FRAME_LINES), .PAGE_LINES(FRAME_LINES)) frame (
        .clk, .write(in_write | patches | sums), .write_at(frame_write_at[10:0]),
        .write_data(in_write ? s_axis_tdata : sums ? {496'd0, new_sum[7:0], new_sum[15:8]} : patch_new),
        .write_mask(in_write ? '1 : sums ? 64'd3 : patch_mask),
        .read_at((state == WALK) ? walk_read_at[10:0] : at[10:0]), .read_data(frame_window)
    );
    wire records = (state == RECORD) & ready;
    window_ram #(.LINES(SESSIONS * PAGE_LINES), .PAGE_LINES(PAGE_LINES)) history (
        .clk, .write(records), .write_at({session, ring}), .write_data(frame_window),
        .write_mask(left_mask), .read_at({session, ring}), .read_data(history_window)
    );

    // The checksum follows what is overwritten (RFC 1624): old bytes out, new bytes in, halves
    // exchanged where the patch begins at an odd byte.
    logic         patched, odd1, valid1;
    logic [511:0] old1, new1;
    logic [63:0]  mask1;
    logic [15:0]  change;
    wire [15:0] sum_old = wire_pkg::sum_of(old1, mask1);
    wire [15:0] sum_new = wire_pkg::sum_of(new1, mask1);
    wire [15:0] moved = wire_pkg::add_once(sum_new, ~sum_old);
    wire [15:0] turned = odd1 ? {moved[7:0], moved[15:8]} : moved;
    wire [15:0] sum_after = wire_pkg::add_once(~tcp_sum, change);
    always_ff @(posedge clk) begin
        valid1 <= patches;
        odd1 <= patch_at[0];
        old1 <= patch_old;
        new1 <= patch_new;
        mask1 <= patch_mask;
        if (state == ACT) {change, patched} <= '0;
        if (patches) patched <= 1'b1;
        if (valid1) change <= wire_pkg::add_once(change, turned);
        new_sum <= ~sum_after;
        if (rst) valid1 <= 1'b0;
    end

    // ------------------------------------------------------------------ messages
    wire        walk_done, walk_cut, walk_malformed, walk_dead, symbol_hit, order_hit, order_sell;
    wire        keep, keep_sell, answered, refused, seen_session, seen_control;
    wire [63:0] symbol_key;
    wire [31:0] order_ref, keep_ref;
    wire [INDEX_W-1:0] symbol_index, order_symbol, keep_symbol;
    wire [2:0]  refused_why;
    logic       walk_start;
    message_walk #(.INDEX_W(INDEX_W)) walk (
        .clk, .rst, .start(walk_start), .from(payload_at + seen), .upto(payload_end),
        .done(walk_done), .is_cut(walk_cut), .is_malformed(walk_malformed), .is_dead(walk_dead),
        .read_at(walk_read_at), .window(frame_window), .patch(walk_patch),
        .patch_at(walk_patch_at), .patch_old(walk_old), .patch_new(walk_new),
        .patch_mask(walk_mask), .account, .epoch, .last_ref, .set_ref, .set_ref_to,
        .symbol_key, .symbol_hit, .symbol_index, .order_ref, .order_hit, .order_symbol,
        .order_sell, .keep, .keep_ref, .keep_symbol, .keep_sell,
        .tags, .verdict_cycles, .now_ns, .second, .day,
        .op_tdata, .op_tvalid, .op_tready, .verdict_tvalid,
        .verdict_tag(verdict_tdata[gate_pkg::VERDICT_TAG_LSB +: gate_pkg::VERDICT_TAG_W]),
        .verdict_rejects(verdict_tdata[gate_pkg::VERDICT_REJECTS_LSB +: gate_pkg::VERDICT_REJECTS_W]),
        .answered, .refused, .refused_why, .seen_session, .seen_control
    );
    symbol_table #(.ROWS(SYMBOL_ROWS), .INDEX_W(INDEX_W)) symbols (
        .clk, .scrub(scrubbing), .scrub_row(scrub_row[$clog2(SYMBOL_ROWS)-1:0]),
        .write(do_write_symbol & ~scrubbing), .write_way(symbol_write_way),
        .write_row(symbol_write_row[$clog2(SYMBOL_ROWS)-1:0]), .write_valid(symbol_write_valid),
        .write_key(symbol_write_key), .write_index(symbol_write_index),
        .key(symbol_key), .hit(symbol_hit), .index(symbol_index)
    );
    order_table #(.SESSIONS(SESSIONS), .ROWS(ORDERS), .INDEX_W(INDEX_W)) orders (
        .clk, .scrub(scrubbing), .scrub_row(scrub_row[$clog2(SESSIONS*ORDERS)-1:0]), .session,
        .write(keep), .write_ref(keep_ref), .write_symbol(keep_symbol), .write_sell(keep_sell),
        .ref_num(order_ref), .hit(order_hit), .symbol(order_symbol), .sell(order_sell)
    );

    // ------------------------------------------------------------------ the order of it all
    logic        drop_now;
    logic [3:0]  drop_why;
    logic        do_drop, do_carry;
    logic [31:0] since_begin;
    wire  [11:0] line_left = bytes - at; // at SEND
    assign m_axis_tdata = frame_window;
    assign m_axis_tkeep = wire_pkg::first_bytes(line_left);
    assign m_axis_tlast = line_left <= 12'd64;
    assign m_axis_tvalid = (state == SEND) & ready;
    wire out_fires = m_axis_tvalid & m_axis_tready;
    wire frame_out = out_fires & m_axis_tlast;

    task automatic go(input logic [2:0] next, input logic [11:0] from);
        state <= next;
        at <= from;
        settle <= 2'd2;
    endtask
    task automatic drop(input logic [3:0] reason);
        drop_now <= 1'b1;
        drop_why <= reason;
        state <= TAKE;
    endtask

    always_ff @(posedge clk) begin
        drop_now <= 1'b0;
        syn <= 1'b0;
        advance <= 1'b0;
        walk_start <= 1'b0;
        settle <= ready ? 2'd0 : settle - 2'd1;
        since_begin <= begins ? 32'd1 : since_begin + 32'd1;
        if (s_fires) mid_frame <= ~s_axis_tlast;
        case (state)
            TAKE: if (s_fires & s_axis_tlast) state <= CHECK;
            CHECK: if (checked) begin
                do_drop <= drops;
                do_carry <= carries;
                drop_why <= why;
                seen <= again;
                state <= ACT;
            end
            ACT: begin
                left <= seen;
                ring <= seq[HISTORY_W-1:0];
                syn <= ~do_drop & ~do_carry & found & is_tcp & is_ipv4 & has_syn;
                if (do_drop) drop(drop_why);
                else if (~do_carry) go(SEND, 12'd0);
                else if (seen != 12'd0) go(RESTORE, payload_at);
                else begin
                    walk_start <= 1'b1;
                    state <= WALK;
                end
            end
            RESTORE: if (ready) begin
                if (left > 12'd64) begin
                    left <= left - 12'd64;
                    ring <= ring + HISTORY_W'(64);
                    go(RESTORE, at + 12'd64);
                end else if (fresh == 12'd0) go(SUM, 12'd0);
                else begin
                    walk_start <= 1'b1;
                    state <= WALK;
                end
            end
            WALK: if (walk_done) begin
                left <= fresh;
                ring <= next_seq[HISTORY_W-1:0];
                if (walk_cut) drop(wire_pkg::DROP_CUT);
                else if (walk_malformed) drop(wire_pkg::DROP_MALFORMED);
                else if (walk_dead) drop(wire_pkg::DROP_DEAD);
                else go(RECORD, payload_at + seen);
                if (walk_dead) dead <= 1'b1;
            end
            RECORD: if (ready) begin
                if (left > 12'd64) begin
                    left <= left - 12'd64;
                    ring <= ring + HISTORY_W'(64);
                    go(RECORD, at + 12'd64);
                end else begin
                    advance <= 1'b1;
                    advance_recorded <= (recorded + {20'd0, fresh} > HISTORY) ? HISTORY
                        : recorded + {20'd0, fresh};
                    if (patched) go(SUM, 12'd0);
                    else go(SEND, 12'd0);
                end
            end
            SUM: if (ready) go(SEND, 12'd0);
            SEND: if (out_fires) begin
                if (m_axis_tlast) state <= TAKE;
                else go(SEND, at + 12'd64);
            end
            default: state <= TAKE;
        endcase
        if (scrub_starts) dead <= 1'b0;
        if (rst) begin
            state <= TAKE;
            settle <= 2'd0;
            dead <= 1'b0;
            mid_frame <= 1'b0;
            syn <= 1'b0;
            advance <= 1'b0;
            walk_start <= 1'b0;
        end
    end

    seam_counters counters (
        .clk, .rst(rst | scrub_starts), .frame_in(s_fires & s_axis_tlast), .frame_out,
        .order(answered), .session_message(seen_session), .control_message(seen_control),
        .seen_again((state == ACT) & do_carry & (seen != 12'd0)), .opened,
        .refused, .refused_why, .dropped(drop_now), .dropped_why(drop_why),
        .latency(since_begin + 32'd1), .at(counter_at), .value(counter)
    );

    wire _unused = &{1'b0, verdict_tdata, flags[3], walk_read_at[11], symbol_write_row, frame_write_at[11], at[11]};
endmodule

`default_nettype wire
