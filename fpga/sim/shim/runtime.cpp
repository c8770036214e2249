// What both models share: a failed assertion is told to the caller instead of ending the process.
#include <cstdio>

#include "verilated.h"

namespace {
thread_local char failure[256];
}

void vl_stop(const char* file, int line, const char* where) VL_MT_UNSAFE {
    if (!failure[0]) std::snprintf(failure, sizeof failure, "%s:%d in %s", file, line, where ? where : "?");
}

extern "C" const char* nofx_failure() { return failure; }
extern "C" void nofx_forget_failure() { failure[0] = 0; }
