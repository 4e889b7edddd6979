//! Framing: where one netlink message ends and the next begins.

use netlink_packet_core::NetlinkBuffer;

use crate::error::{Error, Kind, Result};

/// The length of `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;
const SEQUENCE: std::ops::Range<usize> = 8..12;

/// One message: its header's fields and all of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// `nlmsg_type`: `RTM_…`, or below 16 one of netlink's own.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`: which request it answers.
    pub sequence: u32,
    /// Header and payload.
    pub bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// What follows the header.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER..]
    }
}

/// The messages in a buffer. One that lies about its length ends the iteration with an error.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Messages<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Where the next message starts.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let Ok(buffer) = NetlinkBuffer::new_checked(rest) else {
            self.offset = self.bytes.len();
            let what = "a message is cut short, or shorter than its header";
            return Some(Err(Error::new(Kind::Malformed { what }, "read netlink messages")));
        };
        // `new_checked` saw that the length covers the header and fits.
        let length = buffer.length() as usize;
        self.offset += aligned(length);
        Some(Ok(Message {
            kind: buffer.message_type(),
            flags: buffer.flags(),
            sequence: buffer.sequence_number(),
            bytes: &rest[..length],
        }))
    }
}

/// Messages and attributes begin at multiples of four.
pub(crate) fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// Numbers the message that `bytes` begins with.
pub(crate) fn set_sequence(bytes: &mut [u8], sequence: u32) {
    bytes[SEQUENCE].copy_from_slice(&sequence.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes
    }

    #[test]
    fn messages_follow_each_other_at_multiples_of_four() {
        let mut bytes = message(17, 20);
        bytes.extend(message(16, 16));
        let lengths: Vec<_> = Messages::of(&bytes).map(|found| found.map(|m| m.bytes.len())).collect();
        assert_eq!(lengths, [Ok(17), Ok(16)]);
    }

    #[test]
    fn a_length_that_lies_ends_the_reading_with_an_error() {
        for (length, size) in [(0, 16), (15, 16), (17, 16), (u32::MAX, 64), (16, 3)] {
            let bytes = if size < 4 { vec![0; size] } else { message(length, size) };
            let found: Vec<_> = Messages::of(&bytes).collect();
            assert_eq!(found.len(), 1, "{length} in {size}");
            assert_eq!(found[0].as_ref().map_err(Error::code).map(|_| ()), Err("ERR_NETNS_PROTOCOL".into()));
        }
    }
}
