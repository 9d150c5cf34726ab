//! Conditions: what they mean, and what they mean with `not` in front.
#![no_main]

use coord_fuzz::{choices::Choices, condition, hold};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let text = condition::text(&mut choices);
    hold::condition(&text, &mut choices);
});
