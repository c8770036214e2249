`default_nettype none

// The gate with its PCIe adaptors, to be put behind any PCIe block that speaks AXI: a write port for the
// window (an XDMA bypass BAR or its h2c master), a write port into the host's memory for the ring, an
// AXI4-Lite port for the registers.
module pcie_top #(
    parameter int SYMBOLS = gate_pkg::P_SYMBOLS,
    parameter int ACCOUNTS = gate_pkg::P_ACCOUNTS,
    parameter int HOLDINGS = gate_pkg::P_HOLDINGS,
    parameter int SLOTS = gate_pkg::P_CREDITS,
    parameter int SPLIT = 0,
    localparam int ADDR_W = $clog2(SLOTS * 64)
) (
    input  wire              clk,
    input  wire              rst,

    input  wire [3:0]        s_axi_awid,
    input  wire [ADDR_W-1:0] s_axi_awaddr,
    input  wire [7:0]        s_axi_awlen,
    input  wire [2:0]        s_axi_awsize,
    input  wire [1:0]        s_axi_awburst,
    input  wire              s_axi_awvalid,
    output wire              s_axi_awready,
    input  wire [511:0]      s_axi_wdata,
    input  wire [63:0]       s_axi_wstrb,
    input  wire              s_axi_wlast,
    input  wire              s_axi_wvalid,
    output wire              s_axi_wready,
    output wire [3:0]        s_axi_bid,
    output wire [1:0]        s_axi_bresp,
    output wire              s_axi_bvalid,
    input  wire              s_axi_bready,

    output wire [63:0]       m_axi_awaddr,
    output wire [7:0]        m_axi_awlen,
    output wire [2:0]        m_axi_awsize,
    output wire [1:0]        m_axi_awburst,
    output wire              m_axi_awvalid,
    input  wire              m_axi_awready,
    output wire [511:0]      m_axi_wdata,
    output wire [63:0]       m_axi_wstrb,
    output wire              m_axi_wlast,
    output wire              m_axi_wvalid,
    input  wire              m_axi_wready,
    input  wire [1:0]        m_axi_bresp,
    input  wire              m_axi_bvalid,
    output wire              m_axi_bready,

    input  wire [12:0]       s_axil_awaddr,
    input  wire              s_axil_awvalid,
    output wire              s_axil_awready,
    input  wire [31:0]       s_axil_wdata,
    input  wire [3:0]        s_axil_wstrb,
    input  wire              s_axil_wvalid,
    output wire              s_axil_wready,
    output wire [1:0]        s_axil_bresp,
    output wire              s_axil_bvalid,
    input  wire              s_axil_bready,
    input  wire [12:0]       s_axil_araddr,
    input  wire              s_axil_arvalid,
    output wire              s_axil_arready,
    output wire [31:0]       s_axil_rdata,
    output wire [1:0]        s_axil_rresp,
    output wire              s_axil_rvalid,
    input  wire              s_axil_rready,

    output wire              killed           // also the user interrupt
);
    wire [11:0] awaddr, araddr;
    wire awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
    wire [31:0] wdata, rdata;
    wire [3:0] wstrb;
    wire [1:0] bresp, rresp;
    wire restart, ring_enable, ring_drain, ring_fault, ring_busy;
    wire [63:0] ring_base;
    wire [2:0] window_fault;
    wire [31:0] next_seq;
    wire [511:0] op, verdict;
    wire op_valid, op_ready, verdict_valid, verdict_ready;

    pcie_regs #(.SLOTS(SLOTS)) regs (
        .clk(clk), .rst(rst),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .m_axil_awaddr(awaddr), .m_axil_awvalid(awvalid), .m_axil_awready(awready),
        .m_axil_wdata(wdata), .m_axil_wstrb(wstrb), .m_axil_wvalid(wvalid), .m_axil_wready(wready),
        .m_axil_bresp(bresp), .m_axil_bvalid(bvalid), .m_axil_bready(bready),
        .m_axil_araddr(araddr), .m_axil_arvalid(arvalid), .m_axil_arready(arready),
        .m_axil_rdata(rdata), .m_axil_rresp(rresp), .m_axil_rvalid(rvalid), .m_axil_rready(rready),
        .restart(restart), .ring_enable(ring_enable), .ring_drain(ring_drain), .ring_base(ring_base),
        .status({verdict_valid, killed, ring_busy, ring_fault, window_fault}), .next_seq(next_seq)
    );

    window_in #(.SLOTS(SLOTS)) window (
        .clk(clk), .rst(rst), .restart(restart),
        .s_axi_awid(s_axi_awid), .s_axi_awaddr(s_axi_awaddr), .s_axi_awlen(s_axi_awlen), .s_axi_awsize(s_axi_awsize),
        .s_axi_awburst(s_axi_awburst), .s_axi_awvalid(s_axi_awvalid), .s_axi_awready(s_axi_awready),
        .s_axi_wdata(s_axi_wdata), .s_axi_wstrb(s_axi_wstrb), .s_axi_wlast(s_axi_wlast),
        .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready),
        .s_axi_bid(s_axi_bid), .s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid), .s_axi_bready(s_axi_bready),
        .m_axis_tdata(op), .m_axis_tvalid(op_valid), .m_axis_tready(op_ready),
        .fault(window_fault), .next_seq(next_seq)
    );

    gate_top #(.SYMBOLS(SYMBOLS), .ACCOUNTS(ACCOUNTS), .HOLDINGS(HOLDINGS)) gate (
        .clk(clk), .rst(rst),
        .s_axis_tdata(op), .s_axis_tvalid(op_valid), .s_axis_tready(op_ready),
        .m_axis_tdata(verdict), .m_axis_tvalid(verdict_valid), .m_axis_tready(verdict_ready),
        .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
        .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
        .killed(killed)
    );

    ring_out #(.SLOTS(SLOTS), .SPLIT(SPLIT)) ring (
        .clk(clk), .rst(rst), .enable(ring_enable), .drain(ring_drain), .base(ring_base),
        .s_axis_tdata(verdict), .s_axis_tvalid(verdict_valid), .s_axis_tready(verdict_ready),
        .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst),
        .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
        .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
        .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready),
        .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
        .fault(ring_fault), .busy(ring_busy)
    );
endmodule

`default_nettype wire
