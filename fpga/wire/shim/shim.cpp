// A simulated seam behind a C interface: one call is one clock cycle.
//
// Compiled once per top: MODEL is the class that Verilator wrote, NAME(x) the exported name, and
// NOFX_TOP says that the gate is behind the seam. The structs are those of src/sim.rs, which compares
// their sizes.
#include <cstdint>
#include <cstring>
#include <memory>

#include MODEL_HEADER
#include "verilated.h"

namespace {
struct In {
    uint8_t s_data[64], rx_data[64], line_data[64];
    uint64_t s_keep;
    uint32_t awaddr, wdata, araddr;
    uint8_t rst, s_valid, s_last, m_ready, rx_valid, rx_last;
    uint8_t line_valid, line_ready, killed;
    uint8_t bus, awvalid, wvalid, bready, arvalid, rready;
    uint8_t reserved[5];
};
struct Out {
    uint8_t m_data[64], line_data[64];
    uint64_t m_keep;
    uint32_t rdata;
    uint8_t s_ready, m_valid, m_last, line_valid, line_ready;
    uint8_t awready, wready, bvalid, arready, rvalid, killed;
    uint8_t reserved[1];
};
struct Sim {
    VerilatedContext context;
    std::unique_ptr<MODEL> top;
};
}  // namespace

extern "C" void* NAME(open)(uint64_t in_size, uint64_t out_size, uint32_t seed) {
    if (in_size != sizeof(In) || out_size != sizeof(Out)) return nullptr;
    auto* sim = new Sim;
    sim->context.randReset(2);
    sim->context.randSeed(static_cast<int>(seed & 0x7fffffff) | 1);
    sim->top = std::make_unique<MODEL>(&sim->context, "top");
    return sim;
}

extern "C" void NAME(close)(void* of) {
    auto* sim = static_cast<Sim*>(of);
    sim->top->final();
    delete sim;
}

// Sets the inputs, reads the outputs as they stand before the edge, then clocks.
extern "C" void NAME(cycle)(void* of, const In* in, Out* out) {
    MODEL& top = *static_cast<Sim*>(of)->top;
    top.rst = in->rst;
    std::memcpy(&top.s_axis_tdata[0], in->s_data, 64);
    top.s_axis_tkeep = in->s_keep;
    top.s_axis_tvalid = in->s_valid;
    top.s_axis_tlast = in->s_last;
    top.m_axis_tready = in->m_ready;
    std::memcpy(&top.rx_tdata[0], in->rx_data, 64);
    top.rx_tvalid = in->rx_valid;
    top.rx_tready = 1;
    top.rx_tlast = in->rx_last;
    const bool seam = in->bus == 0;
    top.s_axil_awaddr = in->awaddr;
    top.s_axil_wdata = in->wdata;
    top.s_axil_wstrb = 15;
    top.s_axil_araddr = in->araddr;
    top.s_axil_awvalid = in->awvalid && seam;
    top.s_axil_wvalid = in->wvalid && seam;
    top.s_axil_arvalid = in->arvalid && seam;
    top.s_axil_bready = in->bready;
    top.s_axil_rready = in->rready;
#ifdef NOFX_TOP
    std::memcpy(&top.s_line_tdata[0], in->line_data, 64);
    top.s_line_tvalid = in->line_valid;
    top.m_line_tready = in->line_ready;
    top.gate_axil_awaddr = in->awaddr;
    top.gate_axil_wdata = in->wdata;
    top.gate_axil_wstrb = 15;
    top.gate_axil_araddr = in->araddr;
    top.gate_axil_awvalid = in->awvalid && !seam;
    top.gate_axil_wvalid = in->wvalid && !seam;
    top.gate_axil_arvalid = in->arvalid && !seam;
    top.gate_axil_bready = in->bready;
    top.gate_axil_rready = in->rready;
#else
    std::memcpy(&top.verdict_tdata[0], in->line_data, 64);
    top.verdict_tvalid = in->line_valid;
    top.op_tready = in->line_ready;
    top.killed = in->killed;
#endif
    top.clk = 0;
    top.eval();

    std::memcpy(out->m_data, &top.m_axis_tdata[0], 64);
    out->m_keep = top.m_axis_tkeep;
    out->m_valid = top.m_axis_tvalid;
    out->m_last = top.m_axis_tlast;
    out->s_ready = top.s_axis_tready;
#ifdef NOFX_TOP
    std::memcpy(out->line_data, &top.m_line_tdata[0], 64);
    out->line_valid = top.m_line_tvalid;
    out->line_ready = top.s_line_tready;
    out->killed = top.killed;
    out->awready = seam ? top.s_axil_awready : top.gate_axil_awready;
    out->wready = seam ? top.s_axil_wready : top.gate_axil_wready;
    out->bvalid = seam ? top.s_axil_bvalid : top.gate_axil_bvalid;
    out->arready = seam ? top.s_axil_arready : top.gate_axil_arready;
    out->rvalid = seam ? top.s_axil_rvalid : top.gate_axil_rvalid;
    out->rdata = seam ? top.s_axil_rdata : top.gate_axil_rdata;
#else
    std::memcpy(out->line_data, &top.op_tdata[0], 64);
    out->line_valid = top.op_tvalid;
    out->line_ready = 1;
    out->killed = in->killed;
    out->awready = top.s_axil_awready;
    out->wready = top.s_axil_wready;
    out->bvalid = top.s_axil_bvalid;
    out->arready = top.s_axil_arready;
    out->rvalid = top.s_axil_rvalid;
    out->rdata = top.s_axil_rdata;
#endif
    top.clk = 1;
    top.eval();
}
