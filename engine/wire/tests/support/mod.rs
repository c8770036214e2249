//! What the market-data tests share: vectors, the captures folder, a reader for tiny pcap files.
#![allow(dead_code)] // each test binary uses a part

use std::fs;
use std::path::{Path, PathBuf};

/// The checks that the fuzz targets run.
#[path = "../../../../fuzz/src/market_data.rs"]
pub mod checks;

/// The checks of the order-entry targets.
#[path = "../../../../fuzz/src/order_entry.rs"]
pub mod order_checks;

/// The checks of the gateways' targets.
#[path = "../../../../fuzz/src/gateways.rs"]
pub mod gateway_checks;

/// The bytes of a hex text.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    assert_eq!(digits.len() % 2, 0, "odd hex text {text:?}");
    let value = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit") as u8;
    digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

/// Lower-case hex text of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rows of a vector file: name, bytes, expectation.
pub fn vectors(text: &str) -> Vec<(&str, Vec<u8>, &str)> {
    let row = |line: &'_ str| -> Option<(usize, usize)> {
        let first = line.find('\t')?;
        Some((first, first + 1 + line[first + 1..].find('\t')?))
    };
    text.lines()
        .map(|line| {
            let (first, second) = row(line).expect("three columns");
            (&line[..first], unhex(&line[first + 1..second]), &line[second + 1..])
        })
        .collect()
}

/// A file or folder of the captures, or `None` with a loud line when they are not there.
pub fn capture(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NOFX_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"),
        PathBuf::from,
    );
    let path = root.join(path);
    if !path.exists() {
        println!("SKIPPED: captures not found ({}; set NOFX_CAPTURES)", path.display());
        return None;
    }
    Some(path)
}

/// The UDP payloads of a small little-endian pcap of IPv4 over Ethernet, with or
/// without one VLAN tag.
pub fn udp_payloads(pcap: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(pcap).expect("a readable capture");
    let magic = [bytes[0], bytes[1], bytes[2], bytes[3]];
    assert!(matches!(magic, [0x4d, 0x3c, 0xb2, 0xa1] | [0xd4, 0xc3, 0xb2, 0xa1]));
    let mut payloads = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let caplen = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        let frame = &bytes[at + 16..at + 16 + caplen];
        let tagged = frame[12..14] == [0x81, 0x00];
        let ip = &frame[if tagged { 18 } else { 14 }..];
        assert_eq!((ip[0] >> 4, ip[9]), (4, 17), "IPv4 and UDP");
        let udp = &ip[usize::from(ip[0] & 15) * 4..];
        let length = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
        payloads.push(udp[8..length].to_vec());
        at += 16 + caplen;
    }
    payloads
}

/// The pcap files of a folder, in the order of their names.
pub fn pcaps(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "pcap"))
        .collect();
    files.sort();
    files
}
