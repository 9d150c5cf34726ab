//! Three globs and a path, one a line: any text first, then pieces that mostly parse.
#![no_main]

use coord_fuzz::{choices::Choices, globs, hold};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [a, b, c, path] = match data.split_first() {
        Some((first, rest)) if first & 1 == 0 => globs::pieces(&mut Choices::new(rest)),
        Some((_, rest)) => globs::lines(&String::from_utf8_lossy(rest)),
        None => return,
    };
    hold::globs(&a, &b, &c, &path);
});
