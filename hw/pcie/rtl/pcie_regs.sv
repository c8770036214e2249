`default_nettype none

// Registers of the adaptors, in front of those of the gate: addresses below 0x1000 go on to the gate,
// the rest is here. One write and one read at a time; a local access is answered in the next cycle.
module pcie_regs #(
    parameter int SLOTS = 64
) (
    input  wire         clk,
    input  wire         rst,

    input  wire [12:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [12:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,

    output wire [11:0]  m_axil_awaddr,
    output wire         m_axil_awvalid,
    input  wire         m_axil_awready,
    output wire [31:0]  m_axil_wdata,
    output wire [3:0]   m_axil_wstrb,
    output wire         m_axil_wvalid,
    input  wire         m_axil_wready,
    input  wire [1:0]   m_axil_bresp,
    input  wire         m_axil_bvalid,
    output wire         m_axil_bready,
    output wire [11:0]  m_axil_araddr,
    output wire         m_axil_arvalid,
    input  wire         m_axil_arready,
    input  wire [31:0]  m_axil_rdata,
    input  wire [1:0]   m_axil_rresp,
    input  wire         m_axil_rvalid,
    output wire         m_axil_rready,

    output wire         restart,
    output wire         ring_enable,
    output wire         ring_drain,
    output wire [63:0]  ring_base,
    input  wire [6:0]   status,
    input  wire [31:0]  next_seq
);
    localparam logic [1:0] OKAY = 2'd0;
    localparam int RING_W = $clog2(SLOTS * 64);    // bits of a bus address that lie inside the ring

    logic [2:0] control;
    logic [63:0] base;

    // ------------------------------------------------------------------ writes
    logic [11:0] w_addr;
    logic [31:0] w_data;
    logic [3:0] w_strb;
    logic aw_goes, w_goes, b_awaited, b_shows;
    logic [1:0] b_code;
    wire w_take = s_axil_awvalid & s_axil_wvalid & ~b_awaited & ~b_shows;
    wire w_local = s_axil_awaddr[12];
    assign s_axil_awready = w_take;
    assign s_axil_wready = w_take;

    function automatic logic [31:0] merged(input logic [31:0] old);
        for (int b = 0; b < 4; b++)
            merged[8*b +: 8] = s_axil_wstrb[b] ? s_axil_wdata[8*b +: 8] : old[8*b +: 8];
    endfunction

    always_ff @(posedge clk) begin
        if (w_take) begin
            w_addr <= s_axil_awaddr[11:0];
            w_data <= s_axil_wdata;
            w_strb <= s_axil_wstrb;
        end
        if (w_take & w_local) b_code <= OKAY;
        else if (m_axil_bvalid & b_awaited) b_code <= m_axil_bresp;
        if (rst) begin
            {aw_goes, w_goes, b_awaited, b_shows} <= '0;
            control <= 3'd1;
            base <= '0;
        end else begin
            aw_goes <= (w_take & ~w_local) | (aw_goes & ~m_axil_awready);
            w_goes <= (w_take & ~w_local) | (w_goes & ~m_axil_wready);
            b_awaited <= (w_take & ~w_local) | (b_awaited & ~m_axil_bvalid);
            b_shows <= (w_take & w_local) | (b_awaited & m_axil_bvalid) | (b_shows & ~s_axil_bready);
            if (w_take & s_axil_wstrb[0] & (s_axil_awaddr == pcie_pkg::R_CONTROL)) control <= s_axil_wdata[2:0];
            if (w_take & (s_axil_awaddr == pcie_pkg::R_RING_LOW)) base[31:0] <= merged(base[31:0]);
            if (w_take & (s_axil_awaddr == pcie_pkg::R_RING_HIGH)) base[63:32] <= merged(base[63:32]);
        end
    end
    assign s_axil_bvalid = b_shows;
    assign s_axil_bresp = b_code;
    assign m_axil_awaddr = w_addr;
    assign m_axil_awvalid = aw_goes;
    assign m_axil_wdata = w_data;
    assign m_axil_wstrb = w_strb;
    assign m_axil_wvalid = w_goes;
    assign m_axil_bready = b_awaited;

    // ------------------------------------------------------------------ reads
    logic [11:0] r_addr;
    logic ar_goes, r_awaited, r_shows;
    logic [31:0] r_word, here;
    logic [1:0] r_code;
    wire r_take = s_axil_arvalid & ~r_awaited & ~r_shows;
    wire r_local = s_axil_araddr[12];
    assign s_axil_arready = r_take;

    always_comb begin
        case (s_axil_araddr)
            pcie_pkg::R_MAGIC: here = pcie_pkg::MAGIC;
            pcie_pkg::R_SLOTS: here = 32'(SLOTS);
            pcie_pkg::R_CONTROL: here = {29'd0, control};
            pcie_pkg::R_STATUS: here = {25'd0, status};
            pcie_pkg::R_RING_LOW: here = ring_base[31:0];
            pcie_pkg::R_RING_HIGH: here = ring_base[63:32];
            pcie_pkg::R_NEXT_SEQ: here = next_seq;
            default: here = 32'd0;
        endcase
    end

    always_ff @(posedge clk) begin
        if (r_take) begin
            r_addr <= s_axil_araddr[11:0];
            r_word <= here;
            r_code <= OKAY;
        end else if (m_axil_rvalid & r_awaited) begin
            r_word <= m_axil_rdata;
            r_code <= m_axil_rresp;
        end
        if (rst) {ar_goes, r_awaited, r_shows} <= '0;
        else begin
            ar_goes <= (r_take & ~r_local) | (ar_goes & ~m_axil_arready);
            r_awaited <= (r_take & ~r_local) | (r_awaited & ~m_axil_rvalid);
            r_shows <= (r_take & r_local) | (r_awaited & m_axil_rvalid) | (r_shows & ~s_axil_rready);
        end
    end
    assign s_axil_rvalid = r_shows;
    assign s_axil_rdata = r_word;
    assign s_axil_rresp = r_code;
    assign m_axil_araddr = r_addr;
    assign m_axil_arvalid = ar_goes;
    assign m_axil_rready = r_awaited;

    assign {ring_drain, ring_enable, restart} = control;
    assign ring_base = {base[63:RING_W], {RING_W{1'b0}}};
endmodule

`default_nettype wire
