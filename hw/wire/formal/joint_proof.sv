`default_nettype none

// What must hold of op_joint, whatever host, seam and core do within their own rules.
//
// Assumed: host and seam keep what they offer until it is taken, the host numbers its lines from 1, the
// seam offers nothing while an operation of its own is under way, the core answers each line once and in
// order and holds at most 64.
// Claimed: the core sees successive numbers; each host verdict carries the number of the host's line it
// answers; the seam gets a verdict exactly for its own operation; an offered line stays as it is (its number
// and one byte of it are looked at: the other bytes go the same way).
module joint_proof (
    input wire         clk,
    input wire [511:0] host_tdata,
    input wire         host_tvalid,
    input wire [511:0] seam_tdata,
    input wire         seam_tvalid,
    input wire         core_tready,
    input wire [511:0] verdict_tdata,
    input wire         verdict_tvalid,
    input wire         host_verdict_tready
);
    logic started = 1'b0;
    always_ff @(posedge clk) started <= 1'b1;
    wire rst = ~started;

    wire host_tready, seam_tready, core_tvalid, verdict_tready, host_verdict_tvalid, seam_verdict_tvalid;
    wire [511:0] core_tdata, host_verdict_tdata;
    op_joint joint (
        .clk, .rst, .restart(1'b0), .host_tdata, .host_tvalid, .host_tready,
        .seam_tdata, .seam_tvalid, .seam_tready, .core_tdata, .core_tvalid, .core_tready,
        .verdict_tdata, .verdict_tvalid, .verdict_tready,
        .host_verdict_tdata, .host_verdict_tvalid, .host_verdict_tready, .seam_verdict_tvalid
    );

    logic [31:0] taken, answered;        // lines of the core
    logic [31:0] host_taken, host_answered;
    logic [31:0] seam_taken, seam_answered, seam_number, last_number;
    logic        seam_waits;
    wire takes = core_tvalid & core_tready;
    wire answers = verdict_tvalid & verdict_tready;
    logic was_host, was_seam, was_core;
    logic [39:0] host_was, seam_was, core_was; // number and first byte
    always_ff @(posedge clk) begin
        if (takes) begin
            taken <= taken + 32'd1;
            last_number <= core_tdata[511:480];
        end
        if (answers) answered <= answered + 32'd1;
        if (host_tvalid & host_tready) host_taken <= host_taken + 32'd1;
        if (host_verdict_tvalid & host_verdict_tready) host_answered <= host_answered + 32'd1;
        if (seam_tvalid & seam_tready) begin
            seam_taken <= seam_taken + 32'd1;
            seam_number <= core_tdata[511:480];
        end
        if (seam_verdict_tvalid) seam_answered <= seam_answered + 32'd1;
        if (seam_tvalid & seam_tready) seam_waits <= 1'b1;
        else if (seam_verdict_tvalid) seam_waits <= 1'b0;
        was_host <= host_tvalid & ~host_tready;
        was_seam <= seam_tvalid & ~seam_tready;
        was_core <= core_tvalid & ~core_tready;
        host_was <= {host_tdata[511:480], host_tdata[7:0]};
        seam_was <= {seam_tdata[511:480], seam_tdata[7:0]};
        core_was <= {core_tdata[511:480], core_tdata[7:0]};
        if (rst) begin
            taken <= 32'd0;
            last_number <= 32'd0;
            answered <= 32'd0;
            host_taken <= 32'd0;
            host_answered <= 32'd0;
            seam_taken <= 32'd0;
            seam_answered <= 32'd0;
            seam_waits <= 1'b0;
            was_host <= 1'b0;
            was_seam <= 1'b0;
            was_core <= 1'b0;
        end
    end

    always_comb if (~rst) begin
        if (was_host) assume (host_tvalid && {host_tdata[511:480], host_tdata[7:0]} == host_was);
        if (was_seam) assume (seam_tvalid && {seam_tdata[511:480], seam_tdata[7:0]} == seam_was);
        if (seam_waits) assume (~seam_tvalid);
        if (host_tvalid) assume (host_tdata[511:480] == host_taken + 32'd1);
        assume (taken - answered <= 32'd64);
        if (verdict_tvalid) assume (answered != taken && verdict_tdata[511:480] == answered + 32'd1);

`ifdef PROVE_STANDS
        if (was_core) assert (core_tvalid && {core_tdata[511:480], core_tdata[7:0]} == core_was);
`else
        if (core_tvalid) assert (core_tdata[511:480] == taken + 32'd1);
        if (host_verdict_tvalid) assert (host_verdict_tdata[511:480] == host_answered + 32'd1);
        if (host_verdict_tvalid) assert (host_answered != host_taken);
        if (seam_verdict_tvalid) assert (seam_waits && ~host_verdict_tvalid);
        // What makes the claims inductive: the sums agree, and the seam's operation lies ahead.
        assert (last_number == taken && taken == host_taken + seam_taken);
        assert (answered == host_answered + seam_answered);
        assert (seam_taken == seam_answered + {31'd0, seam_waits});
        if (seam_waits) assert (seam_number != answered && seam_number - answered <= taken - answered);
`endif
    end
endmodule

`default_nettype wire
