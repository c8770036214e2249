//! AF_XDP against the kernel's own sockets and against itself, across a veth pair in network
//! namespaces of our own. What is counted is counted exactly; nothing is asserted about time.

#[path = "../conformance/mod.rs"]
mod conformance;
#[path = "../support/seccomp.rs"]
mod seccomp;

mod figures;
mod filter;
mod life;
mod loss;
mod ports;
mod refusals;
mod rig;
mod stamps;
mod syscalls;
mod tcp;
