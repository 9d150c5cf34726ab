//! Any bytes: those that are text have to be answered as any text is.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    coord_fuzz::hold::text(&text);
});
