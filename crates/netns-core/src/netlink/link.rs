//! How links are called: by names that become indexes when a message's turn comes.

use netlink_packet_core::NLM_F_REQUEST;
use nix::errno::Errno;
use nix::sys::socket::MsgFlags;

use super::message::{HEADER, Message, Messages, aligned, set_sequence};
use super::refusal::Refusal;
use super::socket::{Socket, failed};
use crate::error::Result;

const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
/// `IFLA_…`.
const NAME: u16 = 3;
const LINK: u16 = 5;
const EXT_MASK: u16 = 29;
const ALT_NAME: u16 = 53;
/// `RTEXT_FILTER_SKIP_STATS`.
const SKIP_STATS: u32 = 8;
/// Names up to this length are names; longer ones can only be alternative names.
const NAME_MAX: usize = 15;
/// The length of `struct ifinfomsg`.
const INFO: usize = 16;

/// A link that is not known by its index yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkName {
    /// By its name, or an alternative one.
    Of(String),
    /// The other end of the link of this name, as of a veth: the link that `IFLA_LINK` tells.
    PeerOf(String),
}

impl LinkName {
    /// The name in it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Of(name) | Self::PeerOf(name) => name,
        }
    }
}

/// What a message about a link tells: how it is called, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) peer: Option<u32>,
}

impl Known {
    /// Reads an `RTM_NEWLINK`.
    pub(crate) fn of(message: &Message<'_>) -> Option<Self> {
        let payload = message.payload();
        if message.kind != NEW_LINK || payload.first() != Some(&0) {
            return None;
        }
        let mut known = Self { name: String::new(), index: number(payload.get(4..8)?)?, peer: None };
        let mut attributes = payload.get(INFO..)?;
        while let Some(length) = attributes.get(..2).map(|two| usize::from(u16::from_ne_bytes([two[0], two[1]]))) {
            let Some(attribute) = attributes.get(..length).filter(|found| found.len() >= 4) else { break };
            let value = &attribute[4..];
            match u16::from_ne_bytes([attribute[2], attribute[3]]) {
                NAME => known.name = String::from_utf8_lossy(value.strip_suffix(&[0]).unwrap_or(value)).into_owned(),
                LINK => known.peer = number(value).filter(|&index| index != 0),
                _ => {}
            }
            attributes = attributes.get(aligned(length)..).unwrap_or_default();
        }
        Some(known)
    }

    /// The index that `wanted` stands for.
    pub(crate) fn index_of(&self, wanted: &LinkName) -> Option<u32> {
        match wanted {
            LinkName::Of(_) => Some(self.index),
            LinkName::PeerOf(_) => self.peer,
        }
    }
}

impl Socket {
    /// Asks for a link by its name: `RTM_GETLINK` with `IFLA_IFNAME`.
    pub(crate) fn look_up(&mut self, name: &str) -> Result<Result<Known, Errno>> {
        let mut bytes = vec![0; HEADER + INFO];
        let kind = if name.len() > NAME_MAX { ALT_NAME } else { NAME };
        put_attribute(&mut bytes, kind, name.bytes().chain([0]));
        // The counters, which cost most, are not wanted.
        put_attribute(&mut bytes, EXT_MASK, SKIP_STATS.to_ne_bytes());
        let whole = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&whole.to_ne_bytes());
        bytes[4..6].copy_from_slice(&GET_LINK.to_ne_bytes());
        bytes[6..8].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
        let sequence = self.number(1);
        set_sequence(&mut bytes, sequence);
        self.send(&bytes)?;
        loop {
            let datagram = self.receive_short(MsgFlags::empty()).map_err(|errno| failed("recv", errno))?;
            for message in Messages::of(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                return Ok(Known::of(&message)
                    .ok_or_else(|| Refusal::of_error(&message, 0).map_or(Errno::ENODEV, |refusal| refusal.errno)));
            }
        }
    }
}

fn put_attribute(bytes: &mut Vec<u8>, kind: u16, value: impl IntoIterator<Item = u8>) {
    let start = bytes.len();
    bytes.extend([0; 2]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    let length = u16::try_from(bytes.len() - start).unwrap_or(u16::MAX);
    bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_message_tells_its_name_its_index_and_its_other_end() {
        let mut bytes = vec![0; HEADER + INFO];
        bytes[HEADER + 4] = 7;
        put_attribute(&mut bytes, NAME, *b"eth0\0");
        put_attribute(&mut bytes, LINK, 9_u32.to_ne_bytes());
        let message = Message { kind: NEW_LINK, flags: 0, sequence: 0, bytes: &bytes };
        let known = Known::of(&message).expect("a link");
        assert_eq!(known, Known { name: "eth0".into(), index: 7, peer: Some(9) });
        for end in HEADER..bytes.len() {
            let _cut_short = Known::of(&Message { bytes: &bytes[..end], ..message });
        }
    }
}
