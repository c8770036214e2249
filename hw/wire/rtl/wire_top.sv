`default_nettype none

// The gate in line with the MAC: the seam, the gate, and the joint between them.
//
// Orders come as frames and are judged whether the host likes it or not; fills and acknowledgements
// come as the host's own lines, since the seam reads only what the host sends. Two AXI4-Lite ports:
// the gate's and the seam's.
module wire_top #(
    parameter int SESSIONS = 4,
    parameter int SYMBOL_ROWS = 16384,
    parameter int ORDERS = 4096,
    parameter int HISTORY = 4096,
    parameter int SYMBOLS = gate_pkg::P_SYMBOLS,
    parameter int ACCOUNTS = gate_pkg::P_ACCOUNTS,
    parameter int HOLDINGS = gate_pkg::P_HOLDINGS,
    parameter int CREDITS = gate_pkg::P_CREDITS
) (
    input  wire         clk,
    input  wire         rst,

    // Frames of the host, and to the MAC; what the MAC hands to the host, listened to.
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
    input  wire [511:0] rx_tdata,
    input  wire         rx_tlast,
    input  wire         rx_tvalid,
    input  wire         rx_tready,

    // Lines of the host and their verdicts.
    input  wire [511:0] s_line_tdata,
    input  wire         s_line_tvalid,
    output wire         s_line_tready,
    output wire [511:0] m_line_tdata,
    output wire         m_line_tvalid,
    input  wire         m_line_tready,

    // Registers of the seam.
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

    // Registers of the gate.
    input  wire [11:0]  gate_axil_awaddr,
    input  wire         gate_axil_awvalid,
    output wire         gate_axil_awready,
    input  wire [31:0]  gate_axil_wdata,
    input  wire [3:0]   gate_axil_wstrb,
    input  wire         gate_axil_wvalid,
    output wire         gate_axil_wready,
    output wire [1:0]   gate_axil_bresp,
    output wire         gate_axil_bvalid,
    input  wire         gate_axil_bready,
    input  wire [11:0]  gate_axil_araddr,
    input  wire         gate_axil_arvalid,
    output wire         gate_axil_arready,
    output wire [31:0]  gate_axil_rdata,
    output wire [1:0]   gate_axil_rresp,
    output wire         gate_axil_rvalid,
    input  wire         gate_axil_rready,

    output wire         killed
);
    wire [511:0] op_tdata, core_tdata, verdict_tdata;
    wire op_tvalid, op_tready, core_tvalid, core_tready, verdict_tvalid, verdict_tready;
    wire seam_verdict_tvalid, scrubs;

    wire_seam #(
        .SESSIONS(SESSIONS), .SYMBOL_ROWS(SYMBOL_ROWS), .ORDERS(ORDERS), .HISTORY(HISTORY)
    ) seam (
        .clk, .rst,
        .s_axis_tdata, .s_axis_tkeep, .s_axis_tlast, .s_axis_tvalid, .s_axis_tready,
        .m_axis_tdata, .m_axis_tkeep, .m_axis_tlast, .m_axis_tvalid, .m_axis_tready,
        .rx_tdata, .rx_tlast, .rx_tvalid, .rx_tready,
        .op_tdata, .op_tvalid, .op_tready,
        .verdict_tdata, .verdict_tvalid(seam_verdict_tvalid), .scrubs, .killed,
        .s_axil_awaddr, .s_axil_awvalid, .s_axil_awready,
        .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready,
        .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
        .s_axil_araddr, .s_axil_arvalid, .s_axil_arready,
        .s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready
    );

    // The seam is scrubbed after the gate: then both begin anew.
    op_joint joint (
        .clk, .rst, .restart(scrubs),
        .host_tdata(s_line_tdata), .host_tvalid(s_line_tvalid), .host_tready(s_line_tready),
        .seam_tdata(op_tdata), .seam_tvalid(op_tvalid), .seam_tready(op_tready),
        .core_tdata, .core_tvalid, .core_tready,
        .verdict_tdata, .verdict_tvalid, .verdict_tready,
        .host_verdict_tdata(m_line_tdata), .host_verdict_tvalid(m_line_tvalid),
        .host_verdict_tready(m_line_tready), .seam_verdict_tvalid
    );

    gate_top #(
        .SYMBOLS(SYMBOLS), .ACCOUNTS(ACCOUNTS), .HOLDINGS(HOLDINGS), .CREDITS(CREDITS),
        .CAPS(32'd2)                     // a seam, no fault injection
    ) gate (
        .clk, .rst,
        .s_axis_tdata(core_tdata), .s_axis_tvalid(core_tvalid), .s_axis_tready(core_tready),
        .m_axis_tdata(verdict_tdata), .m_axis_tvalid(verdict_tvalid),
        .m_axis_tready(verdict_tready),
        .s_axil_awaddr(gate_axil_awaddr), .s_axil_awvalid(gate_axil_awvalid),
        .s_axil_awready(gate_axil_awready), .s_axil_wdata(gate_axil_wdata),
        .s_axil_wstrb(gate_axil_wstrb), .s_axil_wvalid(gate_axil_wvalid),
        .s_axil_wready(gate_axil_wready), .s_axil_bresp(gate_axil_bresp),
        .s_axil_bvalid(gate_axil_bvalid), .s_axil_bready(gate_axil_bready),
        .s_axil_araddr(gate_axil_araddr), .s_axil_arvalid(gate_axil_arvalid),
        .s_axil_arready(gate_axil_arready), .s_axil_rdata(gate_axil_rdata),
        .s_axil_rresp(gate_axil_rresp), .s_axil_rvalid(gate_axil_rvalid),
        .s_axil_rready(gate_axil_rready), .killed
    );
endmodule

`default_nettype wire
