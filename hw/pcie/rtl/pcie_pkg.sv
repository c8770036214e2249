`default_nettype none

// Registers of the PCIe adaptors. Generated from data/pcie.toml: do not edit.
package pcie_pkg;
    localparam logic [31:0] MAGIC = 32'h5058464e;
    localparam logic [12:0] R_MAGIC = 13'h1000;
    localparam logic [12:0] R_SLOTS = 13'h1004;
    localparam logic [12:0] R_CONTROL = 13'h1008;
    localparam logic [12:0] R_STATUS = 13'h100c;
    localparam logic [12:0] R_RING_LOW = 13'h1010;
    localparam logic [12:0] R_RING_HIGH = 13'h1014;
    localparam logic [12:0] R_NEXT_SEQ = 13'h1018;
endpackage

`default_nettype wire
