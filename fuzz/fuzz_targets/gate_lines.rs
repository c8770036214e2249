#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nofx_fuzz::gate_words::gate_lines(data));
