//! Programs that follow the statement table, with a wrong token here and there.
#![no_main]

use coord_fuzz::{choices::Choices, hold, program};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hold::text(&program::text(&mut Choices::new(data)));
});
