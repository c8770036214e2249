`default_nettype none

// Words of the seam that more than one module needs: addresses, reasons, and the arithmetic of the
// Internet checksum (RFC 1071) on lines of 64 bytes. Byte 0 of a line is bits 7:0.
package wire_pkg;
    // Why a frame was dropped.
    localparam logic [3:0] DROP_LENGTH = 4'd0;    // cut, too long, or shorter than its headers say
    localparam logic [3:0] DROP_IP = 4'd1;        // not version 4, or with options
    localparam logic [3:0] DROP_IP_SUM = 4'd2;    // header checksum
    localparam logic [3:0] DROP_FRAGMENT = 4'd3;  // a fragment
    localparam logic [3:0] DROP_TCP = 4'd4;       // header or flags that no session needs
    localparam logic [3:0] DROP_TCP_SUM = 4'd5;   // checksum
    localparam logic [3:0] DROP_POLICY = 4'd6;    // of no session and not let through
    localparam logic [3:0] DROP_STATE = 4'd7;     // session not open
    localparam logic [3:0] DROP_ORDER = 4'd8;     // ahead of what was seen
    localparam logic [3:0] DROP_OLD = 4'd9;       // behind what is remembered
    localparam logic [3:0] DROP_CUT = 4'd10;      // ends inside a message
    localparam logic [3:0] DROP_MALFORMED = 4'd11; // not SoupBinTCP, or not OUCH
    localparam logic [3:0] DROP_DEAD = 4'd12;     // the core did not answer
    localparam int DROPS = 13;

    // Why a message was overwritten.
    localparam logic [2:0] REFUSE_GATE = 3'd0;    // by a rule of the core
    localparam logic [2:0] REFUSE_REF = 3'd1;     // UserRefNum did not rise
    localparam logic [2:0] REFUSE_SIDE = 3'd2;    // unknown side letter
    localparam logic [2:0] REFUSE_SYMBOL = 3'd3;  // not in the table
    localparam logic [2:0] REFUSE_ORDER = 3'd4;   // names an order that is not remembered
    localparam logic [2:0] REFUSE_OPTION = 3'd5;  // optional field not permitted, or list cut
    localparam int REFUSES = 6;

    // Counters, in the order of their registers.
    localparam int CNT_FRAMES_IN = 0;
    localparam int CNT_FRAMES_OUT = 1;
    localparam int CNT_ORDERS = 2;        // operations that the core answered
    localparam int CNT_SESSION = 3;       // SoupBinTCP messages that carry no OUCH
    localparam int CNT_CONTROL = 4;       // OUCH messages that cannot enter an order
    localparam int CNT_SEEN_AGAIN = 5;    // segments with bytes that were seen before
    localparam int CNT_OPENED = 6;        // connections opened
    localparam int CNT_LATENCY = 7;       // of the last frame that passed, first beat in to last out
    localparam int CNT_LATENCY_MAX = 8;
    localparam int CNT_REFUSE = 9;        // by reason
    localparam int CNT_DROP = 16;         // by reason
    localparam int COUNTERS = CNT_DROP + DROPS;

    // Addresses of the registers, bytes.
    localparam logic [31:0] MAGIC = 32'h5758_464e; // "NFXW"
    localparam logic [31:0] ABI = 32'd1;
    localparam logic [11:0] REG_MAGIC = 12'h000;
    localparam logic [11:0] REG_ABI = 12'h004;
    localparam logic [11:0] REG_SESSIONS = 12'h008;
    localparam logic [11:0] REG_SYMBOL_ROWS = 12'h00c;
    localparam logic [11:0] REG_ORDERS = 12'h010;
    localparam logic [11:0] REG_HISTORY = 12'h014;
    localparam logic [11:0] REG_CONTROL = 12'h020;
    localparam logic [11:0] REG_STATUS = 12'h024;
    localparam logic [11:0] REG_POLICY = 12'h028;
    localparam logic [11:0] REG_TAGS = 12'h02c;
    localparam logic [11:0] REG_VERDICT_CYCLES = 12'h030;
    localparam logic [11:0] REG_NOW_LO = 12'h040;
    localparam logic [11:0] REG_NOW_HI = 12'h044;
    localparam logic [11:0] REG_SECOND_LO = 12'h048;
    localparam logic [11:0] REG_SECOND_HI = 12'h04c;
    localparam logic [11:0] REG_DAY = 12'h050;
    localparam logic [11:0] REG_SECOND_OF_DAY = 12'h054;
    localparam logic [11:0] REG_NS_OF_SECOND = 12'h058;
    localparam logic [11:0] REG_STEP = 12'h05c;
    localparam logic [11:0] REG_SYMBOL_KEY_LO = 12'h070;
    localparam logic [11:0] REG_SYMBOL_KEY_HI = 12'h074;
    localparam logic [11:0] REG_SYMBOL_INDEX = 12'h078;
    localparam logic [11:0] REG_SYMBOL_SLOT = 12'h07c;
    localparam logic [11:0] REG_COUNTERS = 12'h100;
    localparam logic [11:0] REG_SESSION = 12'h400; // 32 bytes a session

    // Bits of POLICY: what passes although it belongs to no session.
    localparam int POLICY_ARP = 0;
    localparam int POLICY_IPV4 = 1;   // IPv4 that is not TCP
    localparam int POLICY_OTHER = 2;  // neither IPv4 nor ARP
    localparam int POLICY_TCP = 3;    // TCP to ports of no session

    // The big-endian words of a window of 64 bytes, by the offset of their first byte.
    function automatic logic [15:0] be16(input logic [511:0] of, input int at);
        be16 = {of[at*8 +: 8], of[(at+1)*8 +: 8]};
    endfunction
    function automatic logic [31:0] be32(input logic [511:0] of, input int at);
        be32 = {be16(of, at), be16(of, at + 2)};
    endfunction

    // Adds with the carry brought round.
    function automatic logic [15:0] add_once(input logic [15:0] a, input logic [15:0] b);
        logic [16:0] sum;
        sum = {1'b0, a} + {1'b0, b};
        add_once = sum[15:0] + {15'd0, sum[16]};
    endfunction

    // Sum of the bytes named by `mask` as big-endian words, the first byte of the window being high.
    function automatic logic [15:0] sum_of(input logic [511:0] window, input logic [63:0] mask);
        logic [21:0] sum;
        logic [7:0]  high, low;
        sum = 22'd0;
        for (int word = 0; word < 32; word++) begin
            high = window[word*16 +: 8] & {8{mask[word*2]}};
            low = window[word*16+8 +: 8] & {8{mask[word*2+1]}};
            sum = sum + {6'd0, high, low};
        end
        sum_of = add_once(sum[15:0], {10'd0, sum[21:16]});
    endfunction

    // The first `count` of 64 (all of them from 64 on).
    function automatic logic [63:0] first_bytes(input logic [11:0] count);
        first_bytes = (count >= 12'd64) ? '1 : ~(64'hffff_ffff_ffff_ffff << count[5:0]);
    endfunction
endpackage

`default_nettype wire
