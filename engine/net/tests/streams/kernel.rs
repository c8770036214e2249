//! What only the kernel's TCP can show.
