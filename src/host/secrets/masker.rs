//! Replaces secrets in what is written down.
//!
//! One automaton over all forms of all values, fed byte by byte: where a read ends does not
//! matter. What may be the beginning of a secret is held back, and nothing else.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::noncontiguous::NFA;

use super::forms::is_blank;
use crate::process::Mask;

/// What stands where a secret stood.
const SHOWN: &[u8] = b"***";
/// Blanks that a secret may be wrapped or indented by; more of them end it.
const MOST_BLANKS: usize = 128;
const READ_BYTES: usize = 64 * 1024;

/// Knows all forms of all values, and shows none.
pub struct Masker {
    automaton: NFA,
    start: StateID,
    /// How many bytes of a form have been seen in each state.
    depth: Vec<u32>,
    /// Bytes that begin a form.
    begins: [bool; 256],
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker")
    }
}

impl Masker {
    /// The error is that there is too much to look for.
    pub(super) fn new(forms: &BTreeSet<Vec<u8>>) -> Result<Masker, String> {
        let automaton = NFA::builder()
            .prefilter(false)
            .build(forms)
            .map_err(|error| error.to_string())?;
        let start = automaton
            .start_state(Anchored::No)
            .map_err(|error| error.to_string())?;
        let mut depth = Vec::new();
        let mut begins = [false; 256];
        for form in forms {
            let mut state = start;
            for (at, byte) in (1..).zip(form) {
                state = automaton.next_state(Anchored::No, state, *byte);
                if depth.len() <= state.as_usize() {
                    depth.resize(state.as_usize() + 1, 0);
                }
                depth[state.as_usize()] = at;
            }
            if let Some(first) = form.first() {
                begins[usize::from(*first)] = true;
            }
        }
        Ok(Masker {
            automaton,
            start,
            depth,
            begins,
        })
    }

    /// A mask for one stream.
    pub(super) fn stream(self: &Arc<Masker>) -> Stream {
        Stream {
            state: self.start,
            masker: Arc::clone(self),
            held: VecDeque::new(),
            counted: 0,
            blanks: 0,
            showing: false,
        }
    }

    pub(crate) fn text(self: &Arc<Masker>, text: String) -> String {
        let mut stream = self.stream();
        let mut shown = Vec::with_capacity(text.len());
        stream.feed(text.as_bytes(), &mut shown);
        stream.finish(&mut shown);
        String::from_utf8(shown).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into())
    }

    /// True when what is read holds a secret.
    pub(crate) fn finds(&self, mut from: impl Read) -> io::Result<bool> {
        let mut state = self.start;
        let mut blanks = 0;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for byte in &buffer[..read] {
                if is_blank(*byte) {
                    blanks += 1;
                    if blanks > MOST_BLANKS {
                        state = self.start;
                    }
                    continue;
                }
                blanks = 0;
                state = self.automaton.next_state(Anchored::No, state, *byte);
                if self.automaton.is_match(state) {
                    return Ok(true);
                }
            }
        }
    }

    fn depth(&self, state: StateID) -> usize {
        self.depth
            .get(state.as_usize())
            .map_or(0, |depth| *depth as usize)
    }

    /// The length of the longest form that ends in this state.
    fn longest(&self, state: StateID) -> Option<usize> {
        let ends = (0..self.automaton.match_len(state))
            .map(|at| self.automaton.match_pattern(state, at))
            .map(|form| self.automaton.pattern_len(form));
        ends.max()
    }
}

/// A byte that may belong to a secret.
struct Held {
    byte: u8,
    counts: bool,
    secret: bool,
}

/// One stream on its way through.
pub(super) struct Stream {
    masker: Arc<Masker>,
    state: StateID,
    /// The bytes of the forms that have begun, with the blanks between them.
    held: VecDeque<Held>,
    /// Those of them that are no blanks.
    counted: usize,
    /// Blanks since the last byte that is none.
    blanks: usize,
    /// The last byte that left was part of a secret, for which `***` is written.
    showing: bool,
}

impl Stream {
    fn take(&mut self, byte: u8, output: &mut Vec<u8>) {
        if is_blank(byte) {
            return self.blank(byte, output);
        }
        self.blanks = 0;
        self.state = self
            .masker
            .automaton
            .next_state(Anchored::No, self.state, byte);
        self.hold(byte, true);
        self.counted += 1;
        if self.masker.automaton.is_match(self.state)
            && let Some(length) = self.masker.longest(self.state)
        {
            self.mark(length);
        }
        self.release(self.masker.depth(self.state), output);
    }

    fn blank(&mut self, byte: u8, output: &mut Vec<u8>) {
        self.blanks += 1;
        if self.blanks > MOST_BLANKS {
            self.state = self.masker.start;
            self.release(0, output);
        }
        match self.held.is_empty() {
            true => self.show(byte, false, output),
            false => self.hold(byte, false),
        }
    }

    fn hold(&mut self, byte: u8, counts: bool) {
        self.held.push_back(Held {
            byte,
            counts,
            secret: false,
        });
    }

    /// The last `length` bytes are a secret, and so are the blanks between them.
    fn mark(&mut self, length: usize) {
        let mut left = length;
        for held in self.held.iter_mut().rev() {
            held.secret = true;
            left -= usize::from(held.counts);
            if left == 0 {
                break;
            }
        }
    }

    /// Lets go of all but the last `kept` bytes that are no blanks.
    fn release(&mut self, kept: usize, output: &mut Vec<u8>) {
        while self.counted > kept || (kept == 0 && !self.held.is_empty()) {
            let Some(held) = self.held.pop_front() else {
                break;
            };
            self.counted -= usize::from(held.counts);
            self.show(held.byte, held.secret, output);
        }
        // blanks before what is held are no part of it
        while self.held.front().is_some_and(|held| !held.counts) {
            if let Some(held) = self.held.pop_front() {
                self.show(held.byte, held.secret, output);
            }
        }
    }

    fn show(&mut self, byte: u8, secret: bool, output: &mut Vec<u8>) {
        match (secret, self.showing) {
            (false, _) => output.push(byte),
            (true, false) => output.extend_from_slice(SHOWN),
            (true, true) => {}
        }
        self.showing = secret;
    }

    /// As many bytes as cannot begin a secret, while none has begun.
    fn passes(&self, input: &[u8]) -> usize {
        if !self.held.is_empty() || self.state != self.masker.start {
            return 0;
        }
        let begins = |byte: &u8| self.masker.begins[usize::from(*byte)];
        input.iter().position(begins).unwrap_or(input.len())
    }
}

impl Mask for Stream {
    fn feed(&mut self, input: &[u8], output: &mut Vec<u8>) {
        let mut rest = input;
        while !rest.is_empty() {
            let (fine, more) = rest.split_at(self.passes(rest));
            if !fine.is_empty() {
                output.extend_from_slice(fine);
                self.showing = false;
            }
            rest = more;
            if let Some((first, more)) = rest.split_first() {
                self.take(*first, output);
                rest = more;
            }
        }
    }

    fn finish(&mut self, output: &mut Vec<u8>) {
        self.state = self.masker.start;
        self.release(0, output);
    }
}

#[cfg(test)]
mod tests {
    use super::super::forms;
    use super::*;

    fn masker(values: &[&str]) -> Arc<Masker> {
        let forms = values.iter().flat_map(|v| forms::of(v.as_bytes()));
        Arc::new(Masker::new(&forms.collect()).unwrap())
    }

    /// Read in pieces of every length.
    fn shown(masker: &Arc<Masker>, text: &str) -> String {
        let whole = masker.text(text.to_string());
        for size in 1..text.len() {
            let mut stream = masker.stream();
            let mut output = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                stream.feed(piece, &mut output);
            }
            stream.finish(&mut output);
            assert_eq!(String::from_utf8(output).unwrap(), whole, "in {size}s");
        }
        assert_eq!(
            masker.finds(text.as_bytes()).unwrap(),
            whole.contains("***")
        );
        whole
    }

    #[test]
    fn secrets_are_replaced_wherever_reads_end() {
        let masker = masker(&["correct-horse", "battery staple"]);
        for (text, wanted) in [
            ("", ""),
            ("nothing here, correct?", "nothing here, correct?"),
            ("a correct-horse b", "a *** b"),
            ("correct-horsecorrect-horse", "***"),
            ("correct-correct-horse!", "correct-***!"),
            ("correct-horse correct-horse\n", "*** ***\n"),
            ("correct-hors", "correct-hors"),
            ("x battery\n  staple y", "x *** y"),
            ("batterystaple", "***"),
            ("c o r r e c t - h o r s e", "***"),
            ("Y29ycmVjdC1ob3JzZQo=", "***Qo="),
            ("\"correct-horse\"", "\"***\""),
        ] {
            assert_eq!(shown(&masker, text), wanted, "{text}");
        }
    }

    #[test]
    fn what_overlaps_is_replaced_as_one_and_memory_is_bounded() {
        let masker = masker(&["aaaaaa", "aaabbb"]);
        assert_eq!(shown(&masker, "aaaaaabbbaaaaab"), "***aaaaab");
        let mut stream = masker.stream();
        let mut output = Vec::new();
        for _ in 0..1000 {
            stream.feed(&[b'a'; 1000], &mut output);
            assert!(stream.held.len() <= 6);
        }
        stream.finish(&mut output);
        assert_eq!(output, b"***");
        stream.feed(b"aaa", &mut output);
        stream.feed(&[b' '; 100_000], &mut output);
        assert!(stream.held.is_empty());
    }

    #[test]
    fn nothing_is_held_back_that_begins_no_secret() {
        let masker = masker(&["correct-horse"]);
        let mut stream = masker.stream();
        let mut output = Vec::new();
        stream.feed(b"Password: ", &mut output);
        assert_eq!(output, b"Password: ");
        stream.feed(b"corre", &mut output);
        stream.feed(b"spondence", &mut output);
        assert_eq!(output, b"Password: correspondence");
    }
}
