//! The binding itself.
#![cfg(feature = "fpga-sim")]
use nofx_fpga_sim::{Build, Gate};

#[test]
fn lines_come_out() {
    let mut gate = Gate::open(Build::Fast, 1).expect("built");
    let lines: Vec<[u8; 64]> = (0..200_000u32)
        .map(|i| {
            let mut l = [0u8; 64];
            l[..4].copy_from_slice(&i.to_le_bytes());
            l
        })
        .collect();
    let t = std::time::Instant::now();
    gate.offer(&lines);
    let mut n = 0u32;
    while n < 200_000 {
        gate.clock(1024);
        while let Some(v) = gate.take() {
            assert_eq!(v.line[..4], n.to_le_bytes());
            n += 1;
        }
    }
    println!("{:?} {}", t.elapsed(), gate.cycle());
    assert!(gate.write(0x10, 77));
    assert_eq!(gate.read(0x10), Some(77));
    assert_eq!(gate.broken(), None);
}
