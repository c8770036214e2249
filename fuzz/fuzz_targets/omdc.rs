#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    nofx_fuzz::omdc::omdc(data);
    nofx_fuzz::omdc_feed::omdc_lines(data);
});
