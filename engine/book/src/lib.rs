#![forbid(unsafe_code)]

mod counts;
mod queue;
mod touch_hash;
mod twin;

pub use counts::{BookCounts, Broken, ConfigError};
pub use queue::{QueueBook, QueueBooks, QueueConfig, QueuedOrder};
pub use touch_hash::touch_hash;
pub use twin::{TwinBook, TwinBooks};

use bytemuck::Zeroable;
#[derive(Clone, Copy, Zeroable)]
#[repr(C, align(128))]
pub struct B<L> {
    a: [L; 8],
    b: u64,
}
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub struct S<L> {
    a: [[[L; 8]; 128]; 2],
    b: u64,
}
pub fn f(x: &[u64], h: u64) -> u64 {
    *x.get((h & (x.len() as u64).wrapping_sub(1)) as usize).unwrap_or(&0)
}
