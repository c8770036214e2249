// The simulated gate behind a C interface: one call clocks it many times.
//
// Compiled once per model: MODEL is the class that Verilator wrote, NAME(x) the exported name, and
// NOFX_DV says that the model has planted faults and waveforms. The structs are those of
// src/model.rs, which compares their sizes.
#include <cstdint>
#include <cstring>
#include <memory>

#include MODEL_HEADER
#include "verilated.h"
#ifdef NOFX_DV
#include "verilated_fst_c.h"
#if VM_COVERAGE
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "verilated_cov.h"
#endif
#endif

namespace {

constexpr unsigned LINE = 64;

// One AXI4-Lite transaction and how far it is. Waits are cycles before the master moves.
struct Bus {
    uint32_t kind;  // 0 none, 1 write, 2 read
    uint32_t address, data, strobe;
    uint32_t address_wait, data_wait, answer_wait;
    uint32_t address_taken, data_taken, answered;
    uint32_t value, response;
    uint64_t taken_at;  // cycle in which the last of address and data was taken
};

struct Run {
    // In: how long and under which patterns. Chances are of 256.
    uint64_t cycles_max;
    uint32_t offer_chance, take_chance;
    uint32_t reset, mutant;
    uint32_t reserved[2];
    uint64_t random;
    // Lines offered, and how many were accepted.
    const uint8_t* lines;
    uint64_t lines_len, lines_done;
    // Verdicts taken.
    uint8_t* verdicts;
    uint64_t verdicts_len, verdicts_done;
    // Per line and per verdict: the cycle in which it crossed; may be null.
    uint64_t* line_cycles;
    uint64_t* verdict_cycles;
    Bus* bus;
    // Out.
    uint64_t cycles_done;
    uint64_t cycle;
    uint32_t killed;
    uint32_t broken;  // bits: 0 verdict moved while it waited, 1 bus answer likewise, 2 an assertion failed
};

struct Sim {
    VerilatedContext context;
    std::unique_ptr<MODEL> top;
    uint64_t cycle = 0;
    bool offering = false;
    bool waiting = false;  // a verdict was shown and not taken
    uint8_t shown[LINE];
    bool answer_waiting = false;
    uint32_t answer_data = 0;
    uint32_t answer_held = 0;
#ifdef NOFX_DV
    std::unique_ptr<VerilatedFstC> wave;
#endif
};

inline uint64_t next(uint64_t& state) {  // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

inline void settle(Sim& sim, bool clk) {
    sim.top->clk = clk;
    sim.top->eval();
#ifdef NOFX_DV
    if (sim.wave) sim.wave->dump(sim.cycle * 2 + (clk ? 1 : 0));
#endif
}

inline void drive_bus(Sim& sim, Bus& bus) {
    auto& top = *sim.top;
    const bool write = bus.kind == 1, read = bus.kind == 2;
    top.s_axil_awvalid = write && !bus.address_taken && bus.address_wait == 0;
    top.s_axil_arvalid = read && !bus.address_taken && bus.address_wait == 0;
    top.s_axil_wvalid = write && !bus.data_taken && bus.data_wait == 0;
    top.s_axil_awaddr = bus.address & 0xfff;
    top.s_axil_araddr = bus.address & 0xfff;
    top.s_axil_wdata = bus.data;
    top.s_axil_wstrb = bus.strobe & 0xf;
    const bool ready = sim.answer_held >= bus.answer_wait;
    top.s_axil_bready = write && ready;
    top.s_axil_rready = read && ready;
}

inline void sample_bus(Sim& sim, Bus& bus, uint32_t& broken) {
    auto& top = *sim.top;
    if (bus.kind == 0) return;
    const bool write = bus.kind == 1;
    if (bus.address_wait > 0) --bus.address_wait;
    if (bus.data_wait > 0) --bus.data_wait;
    if ((top.s_axil_awvalid && top.s_axil_awready) || (top.s_axil_arvalid && top.s_axil_arready)) {
        bus.address_taken = 1;
        bus.taken_at = sim.cycle;
    }
    if (top.s_axil_wvalid && top.s_axil_wready) {
        bus.data_taken = 1;
        bus.taken_at = sim.cycle;
    }
    const bool valid = write ? top.s_axil_bvalid : top.s_axil_rvalid;
    const bool ready = write ? top.s_axil_bready : top.s_axil_rready;
    const uint32_t value = write ? top.s_axil_bresp : top.s_axil_rdata;
    if (sim.answer_waiting && (!valid || value != sim.answer_data)) broken |= 2;
    sim.answer_waiting = valid && !ready;
    sim.answer_data = value;
    if (valid) ++sim.answer_held;
    if (valid && ready) {
        bus.value = top.s_axil_rdata;
        bus.response = write ? top.s_axil_bresp : top.s_axil_rresp;
        bus.answered = 1;
        bus.kind = 0;
        sim.answer_held = 0;
    }
}

inline void sample_streams(Sim& sim, Run& run) {
    auto& top = *sim.top;
    if (top.s_axis_tvalid && top.s_axis_tready) {
        if (run.line_cycles) run.line_cycles[run.lines_done] = sim.cycle;
        ++run.lines_done;
        sim.offering = false;
    }
    const auto* shown = &top.m_axis_tdata[0];
    if (sim.waiting && (!top.m_axis_tvalid || std::memcmp(sim.shown, shown, LINE) != 0)) run.broken |= 1;
    sim.waiting = top.m_axis_tvalid && !top.m_axis_tready;
    if (sim.waiting) std::memcpy(sim.shown, shown, LINE);
    if (top.m_axis_tvalid && top.m_axis_tready) {
        std::memcpy(run.verdicts + run.verdicts_done * LINE, shown, LINE);
        if (run.verdict_cycles) run.verdict_cycles[run.verdicts_done] = sim.cycle;
        ++run.verdicts_done;
    }
}

inline void forget_handshakes(Sim& sim) {
    sim.offering = sim.waiting = sim.answer_waiting = false;
    sim.answer_held = 0;
}

}  // namespace

extern "C" const char* nofx_failure();  // runtime.cpp

extern "C" {

Sim* NAME(open)(uint64_t bus_size, uint64_t run_size) {
    if (bus_size != sizeof(Bus) || run_size != sizeof(Run)) return nullptr;
    auto* sim = new Sim;
#ifdef NOFX_DV
    sim->context.traceEverOn(true);
#endif
    sim->top = std::make_unique<MODEL>(&sim->context, "top");
    auto& top = *sim->top;
    top.rst = 1;
    top.s_axis_tvalid = top.m_axis_tready = 0;
    top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = top.s_axil_arvalid = top.s_axil_rready = 0;
    return sim;
}

void NAME(close)(Sim* sim) {
#if defined(NOFX_DV) && VM_COVERAGE
    // One file a model: scripts/hw-coverage joins them.
    static std::atomic<unsigned> models{0};
    if (const char* folder = std::getenv("NOFX_COVERAGE")) {
        const auto name = std::string(folder) + "/" + std::to_string(getpid()) + "-" + std::to_string(models++) + ".dat";
        sim->context.coveragep()->write(name.c_str());
    }
#endif
    sim->top->final();
    delete sim;
}

void NAME(run)(Sim* sim_, Run* run_) {
    Sim& sim = *sim_;
    Run& run = *run_;
    auto& top = *sim.top;
    top.rst = run.reset != 0;
#ifdef NOFX_DV
    top.mutant = run.mutant & 63;
#endif
    run.cycles_done = 0;
    if (run.reset) forget_handshakes(sim);
    while (run.cycles_done < run.cycles_max) {
        const uint64_t random = next(run.random);
        if (!sim.offering && run.lines_done < run.lines_len && (random & 255) < run.offer_chance && !run.reset) {
            std::memcpy(&top.s_axis_tdata[0], run.lines + run.lines_done * LINE, LINE);
            sim.offering = true;
        }
        top.s_axis_tvalid = sim.offering;
        top.m_axis_tready = run.verdicts_done < run.verdicts_len && (random >> 8 & 255) < run.take_chance && !run.reset;
        drive_bus(sim, *run.bus);
        settle(sim, false);
        if (!run.reset) {
            sample_bus(sim, *run.bus, run.broken);
            sample_streams(sim, run);
        }
        settle(sim, true);
        ++sim.cycle;
        ++run.cycles_done;
    }
    run.cycle = sim.cycle;
    run.killed = top.killed;
    if (nofx_failure()[0]) run.broken |= 4;
}

#ifdef NOFX_DV
void NAME(trace)(Sim* sim, const char* path) {
    sim->wave.reset();
    if (!path) return;
    sim->wave = std::make_unique<VerilatedFstC>();
    sim->top->trace(sim->wave.get(), 99);
    sim->wave->open(path);
}
#endif

}  // extern "C"
