`default_nettype none

// Claims about the whole gate, seen from its ports, whatever the tables and products answer:
//   order     each line accepted gets one verdict, in order (tag and sequence come back)
//   credits   never more than CREDITS lines are on their way, none comes back that was not sent
//   overflow  the verdict FIFO never overflows
//   killed    no order passes while the kill is engaged, for whatever reason
//   closed    after reset nothing passes before a kill release was sent and sticky.reset was cleared
//   axis      a verdict stands until it is taken
//   axil      each write and read is answered once, an answer stands until it is taken
module gate_proof (
    input wire         clk,
    input wire         rst,
    input wire [511:0] line,
    input wire         tvalid,
    input wire         tready,
    input wire [11:0]  awaddr,
    input wire         awvalid,
    input wire [31:0]  wdata,
    input wire [3:0]   wstrb,
    input wire         wvalid,
    input wire         bready,
    input wire [11:0]  araddr,
    input wire         arvalid,
    input wire         rready
);
`ifndef CREDITS
`define CREDITS 4
`endif
    localparam int CREDITS = `CREDITS;
    wire s_tready, m_tvalid, killed, awready, wready, bvalid, arready, rvalid;
    wire [511:0] verdict;
    wire [31:0] rdata;
    wire [1:0] bresp, rresp;
    gate_top #(.SYMBOLS(2), .ACCOUNTS(2), .HOLDINGS(4), .CREDITS(CREDITS)) dut (
        .clk(clk), .rst(rst),
        .s_axis_tdata(line), .s_axis_tvalid(tvalid), .s_axis_tready(s_tready),
        .m_axis_tdata(verdict), .m_axis_tvalid(m_tvalid), .m_axis_tready(tready),
        .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
        .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
`ifdef NOFX_MUTANTS
        .mutant(6'd`MUTANT),
`endif
        .killed(killed)
    );

    initial assume (rst);
    logic started;
    initial started = 0;
    always_ff @(posedge clk) started <= 1'b1;

    wire accepted = tvalid & s_tready & ~rst;
    wire taken = m_tvalid & tready & ~rst;

    // Outstanding lines.
    logic [3:0] outstanding;
    initial outstanding = 0;
    always_ff @(posedge clk) outstanding <= rst ? 4'd0 : outstanding + {3'd0, accepted} - {3'd0, taken};

`ifdef PROVE_CREDITS
    always_comb begin
        if (started && !rst) assert (outstanding <= CREDITS);
        if (started && !rst && m_tvalid) assert (outstanding != 0);
    end
`endif
`ifdef PROVE_OVERFLOW
    always_comb if (started && !rst && m_tvalid) assert (!verdict[gate_pkg::VERDICT_STICKY_LSB + gate_pkg::STICKY_OVERFLOW]);
`endif

    // Order: one accepted line, any one, is coloured and no other is. Its verdict is coloured and comes
    // when as many were taken as were on their way before it. Since the gate looks at no tag, what
    // holds for one coloured line holds for all tags (Wolper, POPL 1986).
    (* anyseq *) wire choose;
    logic chosen, done;
    logic [3:0] before;
    initial chosen = 0;
    initial done = 0;
    initial before = 0;
    wire picks = choose & accepted & ~chosen;
    always_ff @(posedge clk) begin
        if (rst) begin
            chosen <= 1'b0;
            done <= 1'b0;
        end else if (picks) begin
            chosen <= 1'b1;
            before <= outstanding - {3'd0, taken};
        end else if (chosen & ~done & taken) begin
            if (before == 4'd0) done <= 1'b1;
            before <= before - 4'd1;
        end
    end
`ifdef PROVE_ORDER
    wire coloured = verdict[gate_pkg::VERDICT_TAG_LSB];
    always_comb begin
        if (tvalid) assume (line[gate_pkg::OP_TAG_LSB] == picks);
        if (started && !rst && m_tvalid) begin
            assert (coloured == (chosen && !done && (before == 4'd0)));
        end
    end
`endif

    wire [7:0] kind = verdict[gate_pkg::VERDICT_KIND_LSB +: 8];
    wire order = (kind == gate_pkg::KIND_NEW) || (kind == gate_pkg::KIND_REPLACE);
    wire passed = order && (verdict[gate_pkg::VERDICT_REJECTS_LSB +: 64] == 64'd0);
`ifdef PROVE_KILLED
    always_comb if (started && !rst && m_tvalid && passed) assert (!verdict[gate_pkg::VERDICT_STATUS_LSB]);
`endif

    // Since reset: was a release sent (by a line or by a commit), was the latch of the reset cleared?
    logic released, cleared;
    initial released = 0;
    initial cleared = 0;
    wire release_line = accepted && (line[gate_pkg::OP_KIND_LSB +: 8] == gate_pkg::KIND_KILL) && !line[gate_pkg::OP_FLAGS_LSB];
    wire writes = awvalid & wvalid & awready & ~rst;
    always_ff @(posedge clk) begin
        if (rst) begin
            released <= 1'b0;
            cleared <= 1'b0;
        end else begin
            if (release_line || (writes && (awaddr[11:2] == gate_pkg::REG_CONTROL[11:2]))) released <= 1'b1;
            if (writes && (awaddr[11:2] == gate_pkg::REG_STICKY[11:2])) cleared <= 1'b1;
        end
    end
`ifdef PROVE_CLOSED
    always_comb if (started && !rst && m_tvalid && passed) assert (released && cleared);
    always_comb if (started && !rst && !(released && cleared)) assert (killed);
`endif

    // Handshakes.
    logic m_waits, b_waits, r_waits;
    logic [511:0] verdict_before;
    logic [31:0] rdata_before;
    initial m_waits = 0;
    initial b_waits = 0;
    initial r_waits = 0;
    logic [2:0] writes_open, reads_open;
    initial writes_open = 0;
    initial reads_open = 0;
    always_ff @(posedge clk) begin
        m_waits <= m_tvalid & ~tready & ~rst;
        b_waits <= bvalid & ~bready & ~rst;
        r_waits <= rvalid & ~rready & ~rst;
        verdict_before <= verdict;
        rdata_before <= rdata;
        writes_open <= rst ? 3'd0 : writes_open + {2'd0, writes} - {2'd0, bvalid & bready};
        reads_open <= rst ? 3'd0 : reads_open + {2'd0, arvalid & arready} - {2'd0, rvalid & rready};
    end
`ifdef PROVE_AXIS
    always_comb if (started && !rst && m_waits) begin
        assert (m_tvalid);
        assert (verdict == verdict_before);
    end
`endif
`ifdef PROVE_AXIL
    always_comb begin
        if (started && !rst && b_waits) assert (bvalid);
        if (started && !rst && r_waits) begin
            assert (rvalid);
            assert (rdata == rdata_before);
        end
        if (started && !rst) begin
            assert (writes_open == {2'd0, bvalid});
            assert (reads_open == {2'd0, rvalid});
            assert (awready == wready);
        end
    end
`endif
endmodule

`default_nettype wire
