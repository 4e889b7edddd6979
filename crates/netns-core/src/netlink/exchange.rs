//! Many requests in few datagrams.

use std::ops::Range;

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_NOOP};
use nix::errno::Errno;

use super::dump::push;
use super::message::{HEADER, Messages, set_sequence};
use super::refusal::Refusal;
use super::request::{Acknowledge, Reply, Request};
use super::socket::{Socket, failed};
use crate::error::Result;

/// The kernel holds its lock while it works through a datagram: others want a turn.
const DATAGRAM: usize = 64 * 1024;
/// What one answer takes of the receive buffer at most: the words of a refusal included.
const ANSWER: usize = 2304;
const FLAGS: Range<usize> = 6..8;

const GET_LINK: u16 = 18;
const NEW_LINK: u16 = 16;
const NAME: u16 = 3;
const ALT_NAME: u16 = 53;
const EXT_MASK: u16 = 29;
/// `RTEXT_FILTER_SKIP_STATS`.
const SKIP_STATS: u32 = 8;
/// Names up to this length are names; longer ones can only be alternative names.
const NAME_MAX: usize = 15;

impl Socket {
    pub(crate) fn exchange(&mut self, mut request: Request) -> Result<Reply> {
        let mut reply = Reply::default();
        let mut next = 0;
        while next < request.len() {
            if let Some(refusal) = self.fill_in(&mut request, next)? {
                reply.refusals.push(refusal);
                next += 1;
                continue;
            }
            let mut end = next + 1;
            while end < request.len() && self.fits(&request, next, end) && request.missing_link(end).is_none() {
                end += 1;
            }
            self.transfer(&mut request, next..end, &mut reply)?;
            next = end;
        }
        Ok(reply)
    }

    fn fits(&self, request: &Request, first: usize, candidate: usize) -> bool {
        let bytes = request.starts[candidate + 1] - request.starts[first];
        bytes <= DATAGRAM && (candidate - first) * ANSWER < self.room()
    }

    /// Puts in the indexes that message number `item` lacks. A link that is not there refuses the message.
    pub(crate) fn fill_in(&mut self, request: &mut Request, item: usize) -> Result<Option<Refusal>> {
        while let Some(name) = request.missing_link(item).map(str::to_owned) {
            match self.index_of(&name)? {
                Ok(index) => request.know_link(&name, index),
                Err(errno) => {
                    let text = (errno == Errno::ENODEV).then(|| format!("there is no link '{name}'"));
                    return Ok(Some(Refusal::new(item, errno, text)));
                }
            }
        }
        Ok(None)
    }

    fn transfer(&mut self, request: &mut Request, items: Range<usize>, reply: &mut Reply) -> Result<()> {
        let first = self.number(items.len());
        let mut awaited = 0_usize;
        for (number, item) in items.clone().enumerate() {
            let range = request.range(item);
            let bytes = &mut request.bytes[range];
            set_sequence(bytes, first.wrapping_add(u32::try_from(number).unwrap_or(u32::MAX)));
            if request.acknowledge == Acknowledge::Last {
                flag_acknowledge(bytes, item + 1 == items.end);
            }
            awaited += usize::from(wants_acknowledge(bytes));
        }
        self.send(&request.bytes[request.starts[items.start]..request.starts[items.end]])?;
        while awaited > 0 {
            let datagram = self.receive_short().map_err(|errno| failed("recv", errno))?;
            for message in Messages::of(datagram) {
                let message = message?;
                let number = message.sequence.wrapping_sub(first) as usize;
                if number >= items.len() {
                    continue;
                }
                let item = items.start + number;
                match message.kind {
                    NLMSG_ERROR => {
                        let start = request.starts[item];
                        awaited = awaited.saturating_sub(usize::from(wants_acknowledge(&request.bytes[start..])));
                        reply.refusals.extend(Refusal::of_error(&message, item));
                    }
                    NLMSG_NOOP => {}
                    _ => push(&mut reply.data, message.bytes, u32::try_from(item).unwrap_or(u32::MAX)),
                }
            }
        }
        Ok(())
    }

    /// The index of a link by its name: `RTM_GETLINK` with `IFLA_IFNAME`.
    fn index_of(&mut self, name: &str) -> Result<Result<u32, Errno>> {
        let mut bytes = vec![0; HEADER + 16];
        let kind = if name.len() > NAME_MAX { ALT_NAME } else { NAME };
        put_attribute(&mut bytes, kind, name.bytes().chain([0]));
        // Only the header of the answer is read, so the counters, which cost most, are not asked for.
        put_attribute(&mut bytes, EXT_MASK, SKIP_STATS.to_ne_bytes());
        let whole = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&whole.to_ne_bytes());
        bytes[4..6].copy_from_slice(&GET_LINK.to_ne_bytes());
        bytes[FLAGS].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
        let sequence = self.number(1);
        set_sequence(&mut bytes, sequence);
        self.send(&bytes)?;
        loop {
            let datagram = self.receive_short().map_err(|errno| failed("recv", errno))?;
            for message in Messages::of(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                let index = message.payload().get(4..8).and_then(|index| index.try_into().ok());
                return Ok(match (message.kind, index) {
                    (NEW_LINK, Some(index)) => Ok(u32::from_ne_bytes(index)),
                    _ => Err(Refusal::of_error(&message, 0).map_or(Errno::ENODEV, |refusal| refusal.errno)),
                });
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

fn wants_acknowledge(message: &[u8]) -> bool {
    u16::from_ne_bytes([message[FLAGS.start], message[FLAGS.start + 1]]) & NLM_F_ACK != 0
}

fn flag_acknowledge(message: &mut [u8], wanted: bool) {
    let flags = u16::from_ne_bytes([message[FLAGS.start], message[FLAGS.start + 1]]);
    let flags = if wanted { flags | NLM_F_ACK } else { flags & !NLM_F_ACK };
    message[FLAGS].copy_from_slice(&flags.to_ne_bytes());
}
