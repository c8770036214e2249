`default_nettype none

// AXI4-Lite registers of the seam. A write counts only whole; a hole reads as zero.
//
// Sessions, symbols and the clock are written here and nowhere else: whoever can write these
// registers can open the gate, so they belong to the control plane and not to the trading process.
module seam_regs #(
    parameter int SESSIONS = 4,
    parameter int SYMBOL_ROWS = 16384,
    parameter int ORDERS = 4096,
    parameter int HISTORY = 4096
) (
    input  wire         clk,
    input  wire         rst,

    input  wire [11:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output logic        s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [11:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output logic [31:0] s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output logic        s_axil_rvalid,
    input  wire         s_axil_rready,

    output logic        do_scrub,
    output logic        do_load_clock,
    output logic        do_write_symbol,
    output logic [3:0]  policy,
    output logic [31:0] tags,
    output logic [31:0] verdict_cycles,
    output logic [63:0] load_now_ns,
    output logic [34:0] load_second,
    output logic [17:0] load_day,
    output logic [16:0] load_second_of_day,
    output logic [29:0] load_ns_of_second,
    output logic [31:0] step,
    output logic [63:0] symbol_key,
    output logic [15:0] symbol_index,
    output logic        symbol_valid,
    output logic        symbol_way,
    output logic [15:0] symbol_row,
    output logic        session_write,
    output logic [$clog2(SESSIONS)-1:0] session_at,
    output logic [2:0]  session_word,
    output logic [31:0] session_data,
    input  wire [31:0]  session_read,
    output wire [4:0]   counter_at,
    input  wire [31:0]  counter,
    input  wire [31:0]  status,
    input  wire [63:0]  now_ns
);
    localparam int SESSION_W = $clog2(SESSIONS);

    assign s_axil_bresp = 2'b00;
    assign s_axil_rresp = 2'b00;

    // ------------------------------------------------------------------ writes
    wire writes = s_axil_awvalid & s_axil_wvalid & (~s_axil_bvalid | s_axil_bready) & ~rst;
    assign s_axil_awready = writes;
    assign s_axil_wready = writes;
    wire        takes = writes & (s_axil_wstrb == 4'b1111);
    wire [11:0] at = {s_axil_awaddr[11:2], 2'b00};
    wire [31:0] data = s_axil_wdata;
    wire        control = takes & (at == wire_pkg::REG_CONTROL);
    wire [11:0] words = 12'd32 * 12'(SESSIONS);
    function automatic logic of_session(input logic [11:0] address, input logic [11:0] count);
        of_session = address >= wire_pkg::REG_SESSION && address < wire_pkg::REG_SESSION + count;
    endfunction

    always_ff @(posedge clk) begin
        do_scrub <= control & data[0];
        do_load_clock <= control & data[1];
        do_write_symbol <= control & data[2];
        session_write <= takes & of_session(at, words);
        if (takes & of_session(at, words)) begin
            session_at <= at[5 +: SESSION_W];
            session_word <= at[4:2];
            session_data <= data;
        end else if (starts_read) begin
            session_at <= from[5 +: SESSION_W];
            session_word <= from[4:2];
        end
        if (takes) begin
            case (at)
                wire_pkg::REG_POLICY: policy <= data[3:0];
                wire_pkg::REG_TAGS: tags <= data;
                wire_pkg::REG_VERDICT_CYCLES: verdict_cycles <= data;
                wire_pkg::REG_NOW_LO: load_now_ns[31:0] <= data;
                wire_pkg::REG_NOW_HI: load_now_ns[63:32] <= data;
                wire_pkg::REG_SECOND_LO: load_second[31:0] <= data;
                wire_pkg::REG_SECOND_HI: load_second[34:32] <= data[2:0];
                wire_pkg::REG_DAY: load_day <= data[17:0];
                wire_pkg::REG_SECOND_OF_DAY: load_second_of_day <= data[16:0];
                wire_pkg::REG_NS_OF_SECOND: load_ns_of_second <= data[29:0];
                wire_pkg::REG_STEP: step <= data;
                wire_pkg::REG_SYMBOL_KEY_LO: symbol_key[31:0] <= data;
                wire_pkg::REG_SYMBOL_KEY_HI: symbol_key[63:32] <= data;
                wire_pkg::REG_SYMBOL_INDEX: symbol_index <= data[15:0];
                wire_pkg::REG_SYMBOL_SLOT: {symbol_valid, symbol_way, symbol_row}
                    <= {data[31], data[30], data[15:0]};
                default: ;
            endcase
        end
        if (rst) begin
            policy <= 4'd0;
            tags <= 32'd0;
            verdict_cycles <= 32'd4096;
            load_now_ns <= 64'd0;
            load_second <= 35'd0;
            load_day <= 18'd0;
            load_second_of_day <= 17'd0;
            load_ns_of_second <= 30'd0;
            step <= 32'd0;
        end
        if (rst) s_axil_bvalid <= 1'b0;
        else if (writes) s_axil_bvalid <= 1'b1;
        else if (s_axil_bready) s_axil_bvalid <= 1'b0;
    end

    // ------------------------------------------------------------------ reads: two cycles to the word
    logic [11:0] from;
    logic [1:0]  reading;                // steps of a read: address held, counter and session answer
    wire starts_read = reading == 2'd1;
    assign s_axil_arready = s_axil_arvalid & (reading == 2'd0) & ~s_axil_rvalid & ~rst;
    assign counter_at = from[6:2];
    wire        of_counters = (from & 12'hf80) == wire_pkg::REG_COUNTERS;
    wire        from_session = of_session(from, words);
    logic [31:0] now_low, now_high;      // of one moment: taken when the low half is read
    logic [31:0] word;
    always_comb begin
        case (from)
            wire_pkg::REG_MAGIC: word = wire_pkg::MAGIC;
            wire_pkg::REG_ABI: word = wire_pkg::ABI;
            wire_pkg::REG_SESSIONS: word = 32'(SESSIONS);
            wire_pkg::REG_SYMBOL_ROWS: word = 32'(SYMBOL_ROWS);
            wire_pkg::REG_ORDERS: word = 32'(ORDERS);
            wire_pkg::REG_HISTORY: word = 32'(HISTORY);
            wire_pkg::REG_STATUS: word = status;
            wire_pkg::REG_POLICY: word = {28'd0, policy};
            wire_pkg::REG_TAGS: word = tags;
            wire_pkg::REG_VERDICT_CYCLES: word = verdict_cycles;
            wire_pkg::REG_NOW_LO: word = now_low;
            wire_pkg::REG_NOW_HI: word = now_high;
            wire_pkg::REG_STEP: word = step;
            default:
                if (of_counters) word = counter;
                else if (from_session) word = session_read;
                else word = 32'd0;
        endcase
    end
    always_ff @(posedge clk) begin
        if (rst) begin
            reading <= 2'd0;
            s_axil_rvalid <= 1'b0;
        end else begin
            if (s_axil_rvalid & s_axil_rready) s_axil_rvalid <= 1'b0;
            if (s_axil_arready) begin
                from <= {s_axil_araddr[11:2], 2'b00};
                reading <= 2'd1;
            end else if (reading == 2'd1) begin
                // A session's write takes the address of its table first.
                if (~(takes & of_session(at, words))) reading <= 2'd2;
            end else if (reading == 2'd2) begin
                reading <= 2'd3;
                if (from == wire_pkg::REG_NOW_LO) {now_high, now_low} <= now_ns;
            end else if (reading == 2'd3) begin
                reading <= 2'd0;
                s_axil_rvalid <= 1'b1;
                s_axil_rdata <= word;
            end
        end
    end

    wire _unused = &{1'b0, s_axil_awaddr[1:0], s_axil_araddr[1:0]};
endmodule

`default_nettype wire
