`default_nettype none

// The registers, an AXI4-Lite slave: one access at a time, every answer OKAY.
module gate_regs #(
    parameter int SYMBOLS = gate_pkg::P_SYMBOLS,
    parameter int ACCOUNTS = gate_pkg::P_ACCOUNTS,
    parameter int HOLDINGS = gate_pkg::P_HOLDINGS,
    parameter int CREDITS = gate_pkg::P_CREDITS,
    parameter logic [31:0] CAPS = 32'd0
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [11:0]          s_axil_awaddr,
    input  wire                 s_axil_awvalid,
    output wire                 s_axil_awready,
    input  wire [31:0]          s_axil_wdata,
    input  wire [3:0]           s_axil_wstrb,
    input  wire                 s_axil_wvalid,
    output wire                 s_axil_wready,
    output wire [1:0]           s_axil_bresp,
    output logic                s_axil_bvalid,
    input  wire                 s_axil_bready,
    input  wire [11:0]          s_axil_araddr,
    input  wire                 s_axil_arvalid,
    output wire                 s_axil_arready,
    output logic [31:0]         s_axil_rdata,
    output wire [1:0]           s_axil_rresp,
    output logic                s_axil_rvalid,
    input  wire                 s_axil_rready,

    // Commands, one cycle each.
    output logic                do_scrub,
    output logic                do_kill,
    output logic                do_copy,
    output logic                do_commit,
    output logic                do_flip,
    output logic                do_heartbeat,
    output logic [gate_pkg::STICKY_W-1:0] sticky_clear,

    output logic [31:0]         heartbeat_cycles,
    output logic [31:0]         stall_cycles,
    output logic [31:0]         accounts,
    output logic [31:0]         symbols,
    output wire [511:0]         shadow,

    input  wire [31:0]          status,
    input  wire [gate_pkg::STICKY_W-1:0]  sticky,
    input  wire [31:0]          cfg_epoch,
    input  wire                 commit_done,
    input  wire [31:0]          commit_rejects_now,
    output wire [4:0]           counter_at,
    input  wire [63:0]          counter,
    output wire [4:0]           rule_at,
    input  wire [31:0]          rule_counter,
    // Planted fault: an answer to a write does not wait to be taken.
    input  wire                 broken
);
    assign s_axil_bresp = 2'b00;
    assign s_axil_rresp = 2'b00;

    // A write is taken when address and data are there and the last answer has left.
    wire writes = s_axil_awvalid & s_axil_wvalid & (~s_axil_bvalid | s_axil_bready);
    assign s_axil_awready = writes;
    assign s_axil_wready = writes;
    wire reads = s_axil_arvalid & (~s_axil_rvalid | s_axil_rready);
    assign s_axil_arready = reads;

    wire [11:0] at = {s_axil_awaddr[11:2], 2'b00};
    // Commands and latches take a write only whole.
    wire whole = s_axil_wstrb == 4'b1111;
    wire takes = writes & ~rst;
    wire [31:0] mask = {{8{s_axil_wstrb[3]}}, {8{s_axil_wstrb[2]}}, {8{s_axil_wstrb[1]}}, {8{s_axil_wstrb[0]}}};
    function automatic logic [31:0] merged(input logic [31:0] old, input logic [31:0] data, input logic [31:0] by);
        merged = (old & ~by) | (data & by);
    endfunction

    logic [31:0] shadow_word [16];
    for (genvar i = 0; i < 16; i++) begin : g_shadow
        localparam logic [11:0] HERE = gate_pkg::REG_SHADOW + 12'(4 * i);
        assign shadow[32 * i +: 32] = shadow_word[i];
        always_ff @(posedge clk) begin
            if (rst) shadow_word[i] <= 32'd0;
            else if (takes & (at == HERE)) shadow_word[i] <= merged(shadow_word[i], s_axil_wdata, mask);
        end
    end

    wire control = takes & whole & (at == gate_pkg::REG_CONTROL);
    logic [31:0] commits, commit_rejects;
    always_ff @(posedge clk) begin
        do_scrub <= control & s_axil_wdata[0];
        do_kill <= control & s_axil_wdata[1];
        do_copy <= control & s_axil_wdata[2];
        do_commit <= control & s_axil_wdata[3];
        do_flip <= control & s_axil_wdata[4] & CAPS[0];
        do_heartbeat <= takes & (at == gate_pkg::REG_HEARTBEAT);
        sticky_clear <= (takes & whole & (at == gate_pkg::REG_STICKY)) ? s_axil_wdata[gate_pkg::STICKY_W-1:0] : '0;
        if (rst) begin
            heartbeat_cycles <= 32'd0;
            stall_cycles <= 32'd0;
            accounts <= 32'd1;
            symbols <= (SYMBOLS < HOLDINGS) ? 32'(SYMBOLS) : 32'(HOLDINGS);
            commits <= 32'd0;
            commit_rejects <= 32'd0;
        end else begin
            if (takes & (at == gate_pkg::REG_HEARTBEAT_CYCLES)) heartbeat_cycles <= merged(heartbeat_cycles, s_axil_wdata, mask);
            if (takes & (at == gate_pkg::REG_STALL_CYCLES)) stall_cycles <= merged(stall_cycles, s_axil_wdata, mask);
            if (takes & (at == gate_pkg::REG_ACCOUNTS)) accounts <= merged(accounts, s_axil_wdata, mask);
            if (takes & (at == gate_pkg::REG_SYMBOLS)) symbols <= merged(symbols, s_axil_wdata, mask);
            if (commit_done) begin
                commits <= commits + 32'd1;
                commit_rejects <= commit_rejects_now;
            end
        end

        if (rst) s_axil_bvalid <= 1'b0;
        else if (writes) s_axil_bvalid <= 1'b1;
        else if (s_axil_bready | broken) s_axil_bvalid <= 1'b0;
        if (rst) s_axil_rvalid <= 1'b0;
        else if (reads) s_axil_rvalid <= 1'b1;
        else if (s_axil_rready) s_axil_rvalid <= 1'b0;
        if (reads) s_axil_rdata <= word;
    end

    wire [11:0] from = {s_axil_araddr[11:2], 2'b00};
    assign counter_at = from[7:3];
    assign rule_at = from[6:2];
    logic [31:0] word;
    always_comb begin
        case (from)
            gate_pkg::REG_MAGIC: word = gate_pkg::ABI_MAGIC;
            gate_pkg::REG_ABI: word = gate_pkg::ABI_VERSION;
            gate_pkg::REG_CAPS: word = CAPS;
            gate_pkg::REG_BUILD_LO: word = gate_pkg::BUILD_HASH[31:0];
            gate_pkg::REG_BUILD_HI: word = gate_pkg::BUILD_HASH[63:32];
            gate_pkg::REG_SYMBOLS_MAX: word = 32'(SYMBOLS);
            gate_pkg::REG_ACCOUNTS_MAX: word = 32'(ACCOUNTS);
            gate_pkg::REG_HOLDINGS_MAX: word = 32'(HOLDINGS);
            gate_pkg::REG_LATENCY: word = 32'(gate_pkg::P_LATENCY);
            gate_pkg::REG_CREDITS: word = 32'(CREDITS);
            gate_pkg::REG_STATUS: word = status;
            gate_pkg::REG_STICKY: word = {{(32-gate_pkg::STICKY_W){1'b0}}, sticky};
            gate_pkg::REG_HEARTBEAT_CYCLES: word = heartbeat_cycles;
            gate_pkg::REG_STALL_CYCLES: word = stall_cycles;
            gate_pkg::REG_ACCOUNTS: word = accounts;
            gate_pkg::REG_SYMBOLS: word = symbols;
            gate_pkg::REG_CFG_EPOCH: word = cfg_epoch;
            gate_pkg::REG_COMMITS: word = commits;
            gate_pkg::REG_COMMIT_REJECTS: word = commit_rejects;
            default:
                if (from[11:6] == gate_pkg::REG_SHADOW[11:6]) word = shadow_word[from[5:2]];
                else if (from[11:7] == gate_pkg::REG_COUNTERS[11:7]) word = from[2] ? counter[63:32] : counter[31:0];
                else if (from[11:7] == gate_pkg::REG_RULE_COUNTERS[11:7]) word = rule_counter;
                else word = 32'd0;
        endcase
    end
    wire unused = &{1'b0, s_axil_awaddr[1:0], s_axil_araddr[1:0]};
endmodule

`default_nettype wire
