//! What only a stack of our own can show: losses, garbage, and the kernel as its peer.
