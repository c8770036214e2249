#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nofx_fuzz::omdc_feed::omdc_recovery(data));
