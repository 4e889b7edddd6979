//! Many requests in few datagrams.

use std::ops::Range;
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLMSG_ERROR, NLMSG_NOOP};
use nix::errno::Errno;
use nix::sys::socket::MsgFlags;

use super::dump::push;
use super::message::{Messages, set_sequence};
use super::refusal::Refusal;
use super::request::{Acknowledge, Reply, Request};
use super::socket::{Protocol, Socket, failed};
use crate::error::Result;

/// The kernel holds its lock while it works through a datagram, and most kernels the processor too: others, of which our
/// process's event loop may be one, want a turn after about this long.
const TURN: Duration = Duration::from_micros(250);
/// So many messages are sent at once before it is known how long they take.
pub(crate) const FIRST_SHARE: usize = 32;
const LEAST_SHARE: usize = 8;
/// Beyond this nothing is gained.
const DATAGRAM: usize = 64 * 1024;
/// What one answer takes of the receive buffer at most: the words of a refusal included.
const ANSWER: usize = 2304;
const KIND: Range<usize> = 4..6;
const FLAGS: Range<usize> = 6..8;
/// Of each four types of rtnetlink's messages, which begin at a multiple of four, the third asks: `RTM_GETLINK`, ….
const GET: u16 = 2;
const GET_MASK: u16 = 3;

impl Socket {
    pub(crate) fn exchange(&mut self, mut request: Request) -> Result<Reply> {
        let mut reply = Reply::default();
        let mut next = 0;
        while next < request.len() {
            if let Some(refusal) = self.fill_in(&mut request, next)? {
                reply.refusals.push(refusal);
                request.skip(next);
                next += 1;
                continue;
            }
            let mut end = next + 1;
            while end < request.len() && self.fits(&request, next, end) && request.fill(end).is_none() {
                end += 1;
            }
            self.transfer(&mut request, next..end, &mut reply)?;
            next = end;
        }
        Ok(reply)
    }

    fn fits(&self, request: &Request, first: usize, candidate: usize) -> bool {
        let bytes = request.starts[candidate + 1] - request.starts[first];
        let count = candidate - first;
        // Netfilter's batches are carried out as a whole.
        let shared = count < self.share || self.protocol == Protocol::Netfilter;
        bytes <= DATAGRAM && shared && count * ANSWER < self.room()
    }

    /// Puts in the indexes that message number `item` lacks. A link that is not there refuses the message.
    pub(crate) fn fill_in(&mut self, request: &mut Request, item: usize) -> Result<Option<Refusal>> {
        while let Some(wanted) = request.fill(item).cloned() {
            match self.look_up(wanted.name())?.map(|known| known.index_of(&wanted)) {
                Ok(Some(index)) => request.know_link(&wanted, index),
                Ok(None) => {
                    let text = format!("link '{}' has no other end", wanted.name());
                    return Ok(Some(Refusal::new(item, Errno::ENODEV, Some(text))));
                }
                Err(errno) => {
                    let text = (errno == Errno::ENODEV).then(|| format!("there is no link '{}'", wanted.name()));
                    return Ok(Some(Refusal::new(item, errno, text)));
                }
            }
        }
        Ok(None)
    }

    fn transfer(&mut self, request: &mut Request, items: Range<usize>, reply: &mut Reply) -> Result<()> {
        let protocol = self.protocol;
        let first = self.number(items.len());
        let mut awaited = 0_usize;
        for (number, item) in items.clone().enumerate() {
            let range = request.range(item);
            let bytes = &mut request.bytes[range];
            set_sequence(bytes, first.wrapping_add(u32::try_from(number).unwrap_or(u32::MAX)));
            if request.acknowledge == Acknowledge::Last {
                flag_acknowledge(bytes, item + 1 == items.end && !is_question(protocol, bytes));
            }
            awaited += usize::from(wants_acknowledge(bytes) || is_question(protocol, bytes));
        }
        let start = Instant::now();
        self.send(&request.bytes[request.starts[items.start]..request.starts[items.end]])?;
        self.share = share(self.share, items.len(), start.elapsed());
        while awaited > 0 {
            let datagram = self.receive_short(MsgFlags::empty()).map_err(|errno| failed("recv", errno))?;
            for message in Messages::of(datagram) {
                let message = message?;
                let number = message.sequence.wrapping_sub(first) as usize;
                if number >= items.len() {
                    continue;
                }
                let item = items.start + number;
                let sent = &request.bytes[request.starts[item]..];
                let asked = is_question(protocol, sent);
                match message.kind {
                    NLMSG_ERROR => {
                        awaited = awaited.saturating_sub((wants_acknowledge(sent) || asked).into());
                        reply.refusals.extend(Refusal::of_error(&message, item));
                    }
                    NLMSG_NOOP => {}
                    _ => {
                        awaited = awaited.saturating_sub(asked.into());
                        push(&mut reply.data, message.bytes, u32::try_from(item).unwrap_or(u32::MAX));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether the kernel answers a message with one of its own, or refuses it: nothing follows that, as nobody asked for an
/// acknowledgement, which would be one more datagram to make and to receive.
fn is_question(protocol: Protocol, message: &[u8]) -> bool {
    let kind = u16::from_ne_bytes([message[KIND.start], message[KIND.start + 1]]);
    let flags = flags_of(message);
    protocol == Protocol::Route && kind & GET_MASK == GET && flags & (NLM_F_ACK | NLM_F_DUMP) == 0
}

/// How many messages fill a turn, if `count` took so long. One that had to wait says little about the next.
fn share(before: usize, count: usize, took: Duration) -> usize {
    let fit = TURN.as_nanos().saturating_mul(count as u128) / took.as_nanos().max(1);
    usize::try_from(fit).unwrap_or(usize::MAX).max(before / 2).max(LEAST_SHARE)
}

fn wants_acknowledge(message: &[u8]) -> bool {
    flags_of(message) & NLM_F_ACK != 0
}

fn flags_of(message: &[u8]) -> u16 {
    u16::from_ne_bytes([message[FLAGS.start], message[FLAGS.start + 1]])
}

fn flag_acknowledge(message: &mut [u8], wanted: bool) {
    let flags = flags_of(message);
    let flags = if wanted { flags | NLM_F_ACK } else { flags & !NLM_F_ACK };
    message[FLAGS].copy_from_slice(&flags.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_has_as_many_messages_as_fill_a_turn_and_some_at_least() {
        assert_eq!(share(32, 32, TURN), 32);
        assert_eq!(share(32, 64, TURN * 2), 32);
        assert_eq!(share(32, 10, TURN / 10), 100);
        // Whoever waited for the lock does not pay for it for long.
        assert_eq!(share(512, 512, Duration::from_secs(3600)), 256);
        assert_eq!(share(1, 1, Duration::from_secs(3600)), LEAST_SHARE);
        assert!(share(1, usize::MAX, Duration::ZERO) > LEAST_SHARE);
    }

    #[test]
    fn a_question_is_what_asks_for_one_thing_and_for_no_acknowledgement() {
        let asks = |protocol, kind: u16, flags: u16| {
            let mut message = vec![0; 16];
            message[KIND].copy_from_slice(&kind.to_ne_bytes());
            message[FLAGS].copy_from_slice(&flags.to_ne_bytes());
            is_question(protocol, &message)
        };
        // `RTM_GETLINK`, `RTM_GETROUTE`, `RTM_GETNSID`; `RTM_NEWLINK`, `RTM_DELROUTE`, `RTM_SETLINK`.
        assert_eq!(
            [18, 26, 90, 16, 25, 19].map(|kind| asks(Protocol::Route, kind, 1)),
            [true, true, true, false, false, false]
        );
        assert!(!asks(Protocol::Route, 18, 1 | NLM_F_ACK));
        assert!(!asks(Protocol::Route, 18, 1 | NLM_F_DUMP));
        assert!(!asks(Protocol::Netfilter, 18, 1) && !asks(Protocol::Generic, 18, 1));
    }
}
