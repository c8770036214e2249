#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nofx_fuzz::order_gateways::order_ocg(data));
