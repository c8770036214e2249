`default_nettype none

// The gate: lines in, verdicts out, registers beside. This is the module that is simulated, proved and
// synthesised.
//
// A line is taken when a credit is free, so its verdict always has room and the pipe never stops; a
// commit of the shadow goes ahead of a waiting line and leaves no verdict. A scrub lets the pipe run
// empty first. After reset the gate scrubs itself and comes up killed.
module gate_top #(
    parameter int SYMBOLS = gate_pkg::P_SYMBOLS,
    parameter int ACCOUNTS = gate_pkg::P_ACCOUNTS,
    parameter int HOLDINGS = gate_pkg::P_HOLDINGS,
    parameter int CREDITS = gate_pkg::P_CREDITS,      // a power of two
    parameter logic [31:0] CAPS = 32'd1
) (
    input  wire         clk,
    input  wire         rst,

    input  wire [511:0] s_axis_tdata,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    output wire [511:0] m_axis_tdata,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,

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
    input  wire         s_axil_rready,

`ifdef NOFX_MUTANTS
    input  wire [5:0]   mutant,             // which planted fault is active; 0: none
`endif
    output wire         killed
);
`ifndef NOFX_MUTANTS
    wire [5:0] mutant = 6'd0;
`endif
    localparam int CREDIT_W = $clog2(CREDITS) + 1;

    wire do_scrub, do_kill, do_copy, do_commit, do_flip, do_heartbeat;
    wire [gate_pkg::STICKY_W-1:0] sticky_clear, sticky;
    wire [31:0] heartbeat_cycles, stall_cycles, accounts, symbols, cfg_epoch, commit_rejects;
    wire [511:0] shadow;
    wire commit_done, scrubbing, scrub_done, idle, sizes_legal, verdict_valid, overflow;
    wire [511:0] verdict;
    wire did_pass, did_refuse, did_cancel, did_update, did_fault;
    wire [20:0] did_reject;

    // ------------------------------------------------------------------ what enters the pipe
    logic scrub_waits, commit_waits;
    logic [CREDIT_W-1:0] used;
    wire leaves = m_axis_tvalid & m_axis_tready;
    wire room = used < CREDIT_W'(CREDITS) + ((mutant == 6'd38) ? CREDIT_W'(2) : CREDIT_W'(0));
    wire open = ~rst & ~scrubbing & ~scrub_waits;
    wire commits = open & commit_waits;
    assign s_axis_tready = open & ~commit_waits & room;
    wire accepts = s_axis_tvalid & s_axis_tready;
    wire scrub_start = scrub_waits & idle & ~scrubbing;
    always_ff @(posedge clk) begin
        if (rst) begin
            scrub_waits <= 1'b0;
            commit_waits <= 1'b0;
            used <= '0;
        end else begin
            scrub_waits <= do_scrub | (scrub_waits & ~scrub_start);
            commit_waits <= do_commit | (commit_waits & ~commits);
            used <= used + CREDIT_W'(accepts) - CREDIT_W'(leaves);
        end
    end

    // ------------------------------------------------------------------ silence and stall
    logic [31:0] silent, stalled;
    logic [gate_pkg::STICKY_W-1:0] sticky_set;
    always_ff @(posedge clk) begin
        silent <= (rst | scrubbing | accepts | do_heartbeat) ? 32'd0 : (silent == '1) ? silent : silent + 32'd1;
        stalled <= (rst | ~m_axis_tvalid | m_axis_tready) ? 32'd0 : (stalled == '1) ? stalled : stalled + 32'd1;
        sticky_set <= '0;
        sticky_set[gate_pkg::STICKY_OVERFLOW] <= overflow;
        sticky_set[gate_pkg::STICKY_HEARTBEAT] <= (heartbeat_cycles != 32'd0) & (silent >= heartbeat_cycles) & (mutant != 6'd47);
        sticky_set[gate_pkg::STICKY_STALL] <= (stall_cycles != 32'd0) & (stalled >= stall_cycles) & (mutant != 6'd48);
        if (rst) sticky_set <= '0;
    end

    gate_core #(.SYMBOLS(SYMBOLS), .ACCOUNTS(ACCOUNTS), .HOLDINGS(HOLDINGS)) core (
        .clk(clk), .rst(rst),
        .in_valid(accepts | commits), .in_stream(~commits), .in_line(commits ? shadow : s_axis_tdata),
        .out_valid(verdict_valid), .out_line(verdict), .commit_done(commit_done), .commit_rejects(commit_rejects),
        .accounts_wanted(accounts), .symbols_wanted(symbols),
        .scrub_start(scrub_start), .scrubbing(scrubbing), .scrub_done(scrub_done), .idle(idle), .sizes_legal(sizes_legal),
        .kill_set(do_kill), .sticky_set(sticky_set), .sticky_clear(sticky_clear), .sticky(sticky),
        .killed(killed), .cfg_epoch(cfg_epoch),
        .did_pass(did_pass), .did_refuse(did_refuse), .did_cancel(did_cancel), .did_update(did_update),
        .did_fault(did_fault), .did_reject(did_reject),
        .flip(do_flip), .mutant(mutant)
    );

    verdict_fifo #(.WIDTH(512), .DEPTH(CREDITS)) fifo (
        .clk(clk), .rst(rst), .write(verdict_valid), .in_word(verdict), .overflow(overflow),
        .out_valid(m_axis_tvalid), .out_word(m_axis_tdata), .out_ready(m_axis_tready),
        .broken({mutant == 6'd50, mutant == 6'd49})
    );

    wire [4:0] counter_at, rule_at;
    wire [63:0] counter;
    wire [31:0] rule_counter;
    logic [gate_pkg::COUNTERS-1:0] count;
    always_comb begin
        count = '0;
        count[gate_pkg::COUNTER_CYCLES] = 1'b1;
        count[gate_pkg::COUNTER_LINES] = accepts;
        count[gate_pkg::COUNTER_PASSED] = did_pass;
        count[gate_pkg::COUNTER_REFUSED] = did_refuse;
        count[gate_pkg::COUNTER_CANCELS] = did_cancel;
        count[gate_pkg::COUNTER_UPDATES] = did_update;
        count[gate_pkg::COUNTER_FAULTS] = did_fault;
        count[gate_pkg::COUNTER_VERDICTS] = leaves;
        count[gate_pkg::COUNTER_WAITING] = s_axis_tvalid & open & ~room;
        count[gate_pkg::COUNTER_SCRUBS] = scrub_done;
    end
    gate_counters counters (
        .clk(clk), .rst(rst), .copy(do_copy), .count(count), .refused_by(did_reject),
        .at(counter_at), .rule_at(rule_at), .value(counter), .rule_value(rule_counter)
    );

    gate_regs #(.SYMBOLS(SYMBOLS), .ACCOUNTS(ACCOUNTS), .HOLDINGS(HOLDINGS), .CREDITS(CREDITS), .CAPS(CAPS)) regs (
        .clk(clk), .rst(rst),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .do_scrub(do_scrub), .do_kill(do_kill), .do_copy(do_copy), .do_commit(do_commit), .do_flip(do_flip),
        .do_heartbeat(do_heartbeat), .sticky_clear(sticky_clear),
        .heartbeat_cycles(heartbeat_cycles), .stall_cycles(stall_cycles), .accounts(accounts), .symbols(symbols),
        .shadow(shadow),
        .status({27'd0, sizes_legal, commit_waits, sticky != '0, killed, ~scrubbing & ~scrub_waits}),
        .sticky(sticky), .cfg_epoch(cfg_epoch), .commit_done(commit_done), .commit_rejects_now(commit_rejects),
        .counter_at(counter_at), .counter(counter), .rule_at(rule_at), .rule_counter(rule_counter),
        .broken(mutant == 6'd51)
    );
endmodule

`default_nettype wire
