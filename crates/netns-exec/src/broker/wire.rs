//! Requests and replies as bytes, in the machine's own order: both ends are of one build.

use crate::failure::Failure;

/// The longest record.
pub const BUFFER: usize = 16 * 1024;
/// What comes before a request's payload.
pub const REQUEST_HEAD: usize = 16;
/// What comes before a reply's payload.
pub const REPLY_HEAD: usize = 8;

/// The steps that can fail, as a reply names them.
pub const STEPS: [&str; 11] =
    ["recvmsg", "setns", "unshare", "open", "open sysctl", "read", "write", "socket", "ioctl", "open tun", "broker"];

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Operation {
    /// Makes a user namespace and moves there; the reply has its descriptor.
    Found = 1,
    /// Moves into the user namespace that came along.
    Join = 2,
    /// Stays in the user namespace it was started in.
    Stay = 3,
    /// Makes a network namespace, with `lo` up if the first value is not zero; the reply has its descriptor.
    Create = 4,
    /// Makes a socket of the values' family, type and protocol in the network that came along.
    Socket = 5,
    /// Opens `/dev/net/tun` there.
    Tun = 6,
    /// Reads the file that the payload names there; the reply has its contents.
    Read = 7,
    /// Writes the payload's second string to the file there that its first one names.
    Write = 8,
}

impl Operation {
    const ALL: [Self; 8] =
        [Self::Found, Self::Join, Self::Stay, Self::Create, Self::Socket, Self::Tun, Self::Read, Self::Write];
}

/// What is asked, apart from the payload, which stays where it is.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// What to do.
    pub operation: Operation,
    /// With what.
    pub values: [u32; 3],
    /// How long the whole record is.
    pub length: usize,
}

impl Request {
    /// The head of a record.
    #[must_use]
    pub fn head(operation: Operation, values: [u32; 3]) -> [u8; REQUEST_HEAD] {
        let mut head = [0; REQUEST_HEAD];
        let words = [operation as u32, values[0], values[1], values[2]];
        for (slot, word) in head.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        head
    }

    pub(super) fn read(record: &[u8]) -> Option<Self> {
        let code = word(record, 0)?;
        let operation = Operation::ALL.into_iter().find(|operation| *operation as u32 == code)?;
        let values = [word(record, 4)?, word(record, 8)?, word(record, 12)?];
        Some(Self { operation, values, length: record.len() })
    }
}

/// What a request's record carries behind its head.
pub(super) fn payload(buffer: &[u8; BUFFER], length: usize) -> &[u8] {
    buffer.get(REQUEST_HEAD..length).unwrap_or_default()
}

/// What is answered, apart from the payload.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    /// Zero if it was done.
    pub errno: u32,
    /// Which of [`STEPS`] failed.
    pub step: u32,
    /// How many bytes follow.
    pub payload: usize,
}

impl Reply {
    /// What a reply's record begins with.
    #[must_use]
    pub fn read(record: &[u8]) -> Option<Self> {
        let payload = record.len().checked_sub(REPLY_HEAD)?;
        Some(Self { errno: word(record, 0)?, step: word(record, 4)?, payload })
    }

    /// The step that failed.
    #[must_use]
    pub fn step(&self) -> &'static str {
        STEPS.get(self.step as usize).copied().unwrap_or("broker")
    }

    pub(super) fn failed(failure: &Failure) -> Self {
        let step = STEPS.iter().position(|step| *step == failure.step).unwrap_or(STEPS.len() - 1);
        Self { errno: failure.errno.unsigned_abs(), step: u32::try_from(step).unwrap_or_default(), payload: 0 }
    }

    pub(super) fn write(self, buffer: &mut [u8; BUFFER]) -> Option<usize> {
        buffer.get_mut(..4)?.copy_from_slice(&self.errno.to_ne_bytes());
        buffer.get_mut(4..REPLY_HEAD)?.copy_from_slice(&self.step.to_ne_bytes());
        Some(REPLY_HEAD + self.payload)
    }
}

fn word(record: &[u8], at: usize) -> Option<u32> {
    record.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes)
}
