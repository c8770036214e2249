`default_nettype none

// The gate behind few pins, for place and route on a part that has not 1,300 of them: inputs come from
// shift registers, outputs are folded into one bit. Only for the measurement of the core's speed.
module pnr_top (
    input  wire clk,
    input  wire rst,
    input  wire in_bit,
    output logic out_bit
);
    logic [511:0] line;
    logic [63:0]  rest;
    wire [511:0] verdict;
    logic [511:0] kept;
    wire tready, tvalid, awready, wready, bvalid, arready, rvalid, killed;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata;
    logic [31:0] rdata_kept;
    gate_top #(.SYMBOLS(256), .ACCOUNTS(16), .HOLDINGS(256), .CREDITS(16)) gate (
        .clk(clk), .rst(rst),
        .s_axis_tdata(line), .s_axis_tvalid(rest[0]), .s_axis_tready(tready),
        .m_axis_tdata(verdict), .m_axis_tvalid(tvalid), .m_axis_tready(rest[1]),
        .s_axil_awaddr(rest[13:2]), .s_axil_awvalid(rest[14]), .s_axil_awready(awready),
        .s_axil_wdata(rest[46:15]), .s_axil_wstrb(4'hf), .s_axil_wvalid(rest[47]), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(rest[48]),
        .s_axil_araddr(rest[60:49]), .s_axil_arvalid(rest[61]), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rest[62]),
        .killed(killed)
    );
    always_ff @(posedge clk) begin
        {line, rest} <= {line[510:0], rest, in_bit};
        // A verdict is shifted out in part: what is not taken is folded in.
        kept <= tvalid ? verdict : {kept[510:0], kept[511]};
        rdata_kept <= rvalid ? rdata : {rdata_kept[30:0], rdata_kept[31]};
        out_bit <= kept[511] ^ rdata_kept[31] ^ tready ^ tvalid ^ awready ^ wready ^ bvalid ^ arready ^ rvalid ^ killed
            ^ (^bresp) ^ (^rresp);
    end
endmodule

`default_nettype wire
