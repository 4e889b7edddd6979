//! `NLMSG_ERROR`: an acknowledgement, or a refusal with the kernel's own words.

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED};
use nix::errno::Errno;

use super::message::{HEADER, Message, aligned};

const MESSAGE: u16 = 1;
const OFFSET: u16 = 2;
const MISSING_KIND: u16 = 5;
const TYPE_MASK: u16 = 0x3fff;

/// The kernel said no to one message of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which message of the request, counted from zero.
    pub item: usize,
    /// The reason's number.
    pub errno: Errno,
    /// The kernel's explanation (`NLMSGERR_ATTR_MSG`), where it gave one.
    pub text: Option<String>,
    /// Where in the message the refused attribute starts (`NLMSGERR_ATTR_OFFS`).
    pub offset: Option<u32>,
    /// The type of an attribute that is missing (`NLMSGERR_ATTR_MISS_TYPE`).
    pub missing: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(item: usize, errno: Errno, text: Option<String>) -> Self {
        Self { item, errno, text, offset: None, missing: None }
    }

    /// What an `NLMSG_ERROR` says; nothing if it is an acknowledgement.
    pub(crate) fn of_error(message: &Message<'_>, item: usize) -> Option<Self> {
        let payload = message.payload();
        let errno = errno_of(payload)?;
        // The refused request follows, whole or, when capped, its header alone.
        let request = if message.flags & NLM_F_CAPPED != 0 {
            HEADER
        } else {
            payload.get(4..8).map_or(HEADER, |length| number(length) as usize)
        };
        Some(Self::explained(errno, item, message.flags, payload, 4_usize.saturating_add(request)))
    }

    /// What an `NLMSG_DONE` says; nothing if the dump went well.
    pub(crate) fn of_done(message: &Message<'_>, item: usize) -> Option<Self> {
        let payload = message.payload();
        Some(Self::explained(errno_of(payload)?, item, message.flags, payload, 4))
    }

    fn explained(errno: Errno, item: usize, flags: u16, payload: &[u8], at: usize) -> Self {
        let mut refusal = Self::new(item, errno, None);
        if flags & NLM_F_ACK_TLVS != 0 {
            let start = at.checked_next_multiple_of(4).unwrap_or(usize::MAX);
            refusal.read(payload.get(start..).unwrap_or_default());
        }
        refusal
    }

    fn read(&mut self, mut attributes: &[u8]) {
        while attributes.len() >= 4 {
            let length = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
            let kind = u16::from_ne_bytes([attributes[2], attributes[3]]) & TYPE_MASK;
            let Some(value) = attributes.get(4..length) else { return };
            match kind {
                MESSAGE => {
                    let text = value.split(|&byte| byte == 0).next().unwrap_or_default();
                    self.text = Some(String::from_utf8_lossy(text).into_owned());
                }
                OFFSET => self.offset = Some(number(value)),
                MISSING_KIND => self.missing = Some(number(value)),
                _ => {}
            }
            attributes = attributes.get(aligned(length)..).unwrap_or_default();
        }
    }
}

fn errno_of(payload: &[u8]) -> Option<Errno> {
    let code = payload.get(..4).map_or(-nix::libc::EBADMSG, |code| number(code).cast_signed());
    (code != 0).then(|| Errno::from_raw(code.wrapping_neg()))
}

fn number(bytes: &[u8]) -> u32 {
    bytes.get(..4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(flags: u16, payload: &[u8]) -> Option<Refusal> {
        let mut bytes = vec![0; HEADER];
        bytes.extend_from_slice(payload);
        Refusal::of_error(&Message { kind: 2, flags, sequence: 0, bytes: &bytes }, 7)
    }

    #[test]
    fn zero_is_an_acknowledgement() {
        assert_eq!(error(0, &[0; 20]), None);
    }

    #[test]
    fn the_kernels_words_are_read_behind_a_capped_request() {
        let mut payload = (-22_i32).to_ne_bytes().to_vec();
        payload.extend([0; HEADER]);
        payload.extend([7, 0, 1, 0, b'n', b'o', 0, 0]);
        payload.extend([8, 0, 2, 0, 40, 0, 0, 0]);
        let refusal = error(NLM_F_CAPPED | NLM_F_ACK_TLVS, &payload).expect("a refusal");
        assert_eq!((refusal.errno, refusal.text.as_deref()), (Errno::EINVAL, Some("no")));
        assert_eq!((refusal.item, refusal.offset), (7, Some(40)));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        // A small generator of our own: the same bytes at every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200_000 {
            let mut bytes = vec![0; HEADER];
            for _ in 0..(state >> 33) % 64 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.push(if state.is_multiple_of(4) { 0xff } else { state.to_ne_bytes()[3] & 0x0f });
            }
            state = state.wrapping_add(0x1234_5678_9abc_def1);
            let flags = u16::from_ne_bytes([bytes[0], 3]);
            let message = Message { kind: 2, flags, sequence: 0, bytes: &bytes };
            let _either = (Refusal::of_error(&message, 0), Refusal::of_done(&message, 0));
        }
    }
}
