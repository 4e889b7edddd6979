//! Text that is put together without a heap.

/// A line of text that is put together without a heap.
#[derive(Debug)]
pub struct Line {
    buffer: [u8; 512],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { buffer: [0; 512], length: 0 }
    }
}

impl Line {
    /// Adds bytes, as far as there is room.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.buffer.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
    }

    /// Adds a number's decimal digits.
    pub fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    /// What it is so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}
