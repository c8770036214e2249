//! Memory that a card writes: where the verdicts arrive.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};

use super::error::{OpenError, advice};
use super::window::BYTES;

/// One huge page: it is not moved and not swapped, so its address stays.
const HUGE_PAGE: usize = 2 << 20;
const PAGE: usize = 4096;
/// Bits of an entry of pagemap: the page is there; the number of its frame.
const PRESENT: u64 = 1 << 63;
const FRAME: u64 = (1 << 55) - 1;

const _: () = assert!(BYTES <= HUGE_PAGE && PAGE.is_multiple_of(64));

/// A ring's memory and its address on the bus.
#[derive(Debug)]
pub struct Ring {
    file: File,
    /// Keeps the page in place.
    _memory: Option<MmapRaw>,
    bus_address: u64,
}

impl Ring {
    /// A ring on a reserved huge page, with its physical address.
    pub fn on_huge_page() -> Result<Ring, OpenError> {
        let flags = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB | MemfdFlags::CLOEXEC;
        let (file, memory) = huge_page(flags).map_err(|error| OpenError {
            path: PathBuf::from("/proc/sys/vm/nr_hugepages"),
            doing: "take a huge page",
            error,
            advice: "reserve one: sysctl vm.nr_hugepages=1 (2 MiB pages)",
        })?;
        let bus_address = physical_address(memory.as_ptr() as usize)?;
        Ok(Ring { file, _memory: Some(memory), bus_address })
    }

    /// A ring in `file`, which something that knows it by `bus_address` writes.
    pub fn in_file(file: File, bus_address: u64) -> Ring {
        Ring { file, _memory: None, bus_address }
    }

    /// Its memory, to be mapped.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the card writes.
    pub fn bus_address(&self) -> u64 {
        self.bus_address
    }
}

fn huge_page(flags: MemfdFlags) -> io::Result<(File, MmapRaw)> {
    let file = File::from(memfd_create("nofx-ring", flags)?);
    file.set_len(HUGE_PAGE as u64)?;
    let memory = MmapOptions::new().len(HUGE_PAGE).map_raw(&file)?;
    memory.lock()?;
    // SAFETY: the first byte of a mapping of our own; the store makes the page exist.
    unsafe { memory.as_mut_ptr().write_volatile(0) };
    Ok((file, memory))
}

/// The physical address of a page of this process that is in memory.
pub fn physical_address(address: usize) -> Result<u64, OpenError> {
    let path = PathBuf::from("/proc/self/pagemap");
    let file = File::open(&path).map_err(|e| OpenError::new(path.clone(), "open", e))?;
    frame(&file, address).map_err(|error| {
        let hidden = error.kind() == io::ErrorKind::PermissionDenied;
        let rights = "physical addresses are shown to CAP_SYS_ADMIN only: run as root";
        let advice = if hidden { rights } else { advice(error.raw_os_error().unwrap_or(0)) };
        OpenError { path, doing: "look up the ring's page", error, advice }
    })
}

/// Looks `address` up in a page map: one word of 64 bits a page.
fn frame(pagemap: &File, address: usize) -> io::Result<u64> {
    let mut entry = [0; 8];
    let at = (address / PAGE * 8) as u64;
    pagemap.read_exact_at(&mut entry, at)?;
    let entry = u64::from_ne_bytes(entry);
    if entry & PRESENT == 0 {
        return Err(io::Error::other("the page is not in memory"));
    }
    match entry & FRAME {
        0 => Err(io::ErrorKind::PermissionDenied.into()),
        number => Ok(number * PAGE as u64 + (address % PAGE) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page map of six pages.
    fn pagemap(entries: [u64; 6]) -> File {
        let file = tempfile::tempfile().expect("a file");
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_ne_bytes()).collect();
        file.write_all_at(&bytes, 0).expect("written");
        file
    }

    #[test]
    fn a_page_map_is_read_by_page() {
        let map =
            pagemap([0, PRESENT | 0x1_2345, PRESENT, 0x99, PRESENT | 1 << 55 | 7, PRESENT | 8]);
        assert_eq!(frame(&map, 0x1040).expect("there"), 0x1234_5040);
        assert_eq!(frame(&map, 0x4000).expect("soft dirty is no part of it"), 0x7000);
        let hidden = frame(&map, 0x2000).expect_err("without the right the frame reads 0");
        assert_eq!(hidden.kind(), io::ErrorKind::PermissionDenied);
        assert!(frame(&map, 0x3000).is_err(), "swapped out");
        assert!(frame(&map, 0x6000).is_err(), "no such page");
    }

    #[test]
    fn two_mappings_of_one_page_have_one_address() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(2 * PAGE as u64).expect("two pages");
        let maps = [(); 2].map(|()| {
            let map = MmapOptions::new().len(2 * PAGE).map_raw(&file).expect("mapped");
            for page in 0..2 {
                // SAFETY: inside the mapping, of which nothing else is borrowed.
                unsafe { map.as_mut_ptr().add(page * PAGE).write_volatile(1) };
            }
            map
        });
        let at = |map: usize, offset| physical_address(maps[map].as_ptr() as usize + offset);
        match at(0, 0) {
            Err(error) => println!("SKIPPED physical addresses: {error}"),
            Ok(address) => {
                assert_eq!(at(1, 0).expect("shown"), address);
                assert_eq!(at(1, 8).expect("shown"), address + 8);
                assert_ne!(at(0, PAGE).expect("shown"), address);
            }
        }
    }

    #[test]
    fn a_huge_page_is_aligned_on_the_bus() {
        match Ring::on_huge_page() {
            Ok(ring) => assert_eq!(ring.bus_address() % HUGE_PAGE as u64, 0),
            Err(error) => println!("SKIPPED a ring on a huge page: {error}"),
        }
    }
}
