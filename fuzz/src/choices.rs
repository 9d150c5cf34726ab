//! Bytes as decisions: whatever drives them, the same bytes make the same text.

pub struct Choices<'d> {
    rest: &'d [u8],
}

impl<'d> Choices<'d> {
    pub fn new(data: &'d [u8]) -> Choices<'d> {
        Choices { rest: data }
    }

    /// True when everything else is decided: every choice is the first one from here on.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    /// Below `end`, which is at most 65,536.
    pub fn below(&mut self, end: usize) -> usize {
        let wide = if end > 256 { self.byte() } else { 0 };
        (usize::from(wide) << 8 | usize::from(self.byte())) % end.max(1)
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// True once in `n`.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}
