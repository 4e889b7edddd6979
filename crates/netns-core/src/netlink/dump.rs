//! Dumps: everything there is of one sort, in many datagrams.

use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP};
use nix::sys::socket::MsgFlags;

use super::message::{Messages, set_sequence};
use super::refusal::Refusal;
use super::request::{Reply, Request};
use super::socket::{Socket, failed};
use crate::error::Result;

/// How often a dump is tried when what it lists keeps changing.
const TRIES: usize = 5;

impl Socket {
    pub(crate) fn dump(&mut self, mut request: Request) -> Result<Vec<Reply>> {
        (0..request.len()).map(|item| self.dump_item(&mut request, item)).collect()
    }

    fn dump_item(&mut self, request: &mut Request, item: usize) -> Result<Reply> {
        let mut reply = Reply::default();
        if let Some(refusal) = self.fill_in(request, item)? {
            reply.refusals.push(refusal);
            request.skip(item);
            return Ok(reply);
        }
        let range = request.range(item);
        for _ in 0..TRIES {
            reply = self.dump_once(&mut request.bytes[range.clone()])?;
            if !reply.interrupted || !reply.refusals.is_empty() {
                break;
            }
        }
        Ok(reply)
    }

    fn dump_once(&mut self, request: &mut [u8]) -> Result<Reply> {
        let sequence = self.number(1);
        set_sequence(request, sequence);
        self.send(request)?;
        let mut reply = Reply::default();
        loop {
            let datagram = self.receive(MsgFlags::empty()).map_err(|errno| failed("recv", errno))?;
            let mut wanted = 0;
            for message in Messages::of(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                reply.interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                match message.kind {
                    NLMSG_DONE => {
                        reply.refusals.extend(Refusal::of_done(&message, 0));
                        return Ok(reply);
                    }
                    NLMSG_ERROR => {
                        reply.refusals.extend(Refusal::of_error(&message, 0));
                        return Ok(reply);
                    }
                    NLMSG_NOOP => {}
                    _ => {
                        wanted += message.bytes.len();
                        push(&mut reply.data, message.bytes, 0);
                    }
                }
            }
            // What follows is likely as much again: one step ahead of doubling for every datagram.
            reply.data.reserve(wanted);
        }
    }
}

/// Appends a message at a multiple of four, as the answer to message number `item`.
pub(crate) fn push(data: &mut Vec<u8>, bytes: &[u8], item: u32) {
    let start = data.len();
    data.extend_from_slice(bytes);
    data.resize(data.len().next_multiple_of(4), 0);
    set_sequence(&mut data[start..], item);
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::thread;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, recv, send, socketpair};

    use super::*;
    use crate::netlink::message::HEADER;

    fn message(kind: u16, flags: u16, sequence: &[u8]) -> Vec<u8> {
        let mut bytes = 20_u32.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence);
        bytes.resize(20, 0);
        bytes
    }

    /// Answers as a kernel whose state changes while it tells of it, so many times.
    fn kernel(socket: &OwnedFd, interruptions: usize) -> usize {
        let mut asked = 0;
        let mut question = [0; 64];
        while recv(socket.as_raw_fd(), &mut question, MsgFlags::empty()).expect("a socket") > 0 {
            let flags = if asked < interruptions { NLM_F_DUMP_INTR } else { 0 };
            asked += 1;
            let sequence = &question[8..12];
            let one = message(24, 0, sequence);
            let other = message(24, flags, sequence);
            let done = message(NLMSG_DONE, 0, sequence);
            for datagram in [[one, other].concat(), done] {
                send(socket.as_raw_fd(), &datagram, MsgFlags::empty()).expect("a listener");
            }
        }
        asked
    }

    fn dump(interruptions: usize) -> (Reply, usize) {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a pair");
        let asked = thread::spawn(move || kernel(&theirs, interruptions));
        let mut socket = Socket::of(ours);
        let replies = socket.dump(Request::new(message(26, 0x301, &[0; 8])).expect("a message")).expect("an answer");
        drop(socket);
        let [reply] = replies.try_into().expect("one for each message");
        (reply, asked.join().expect("no panic"))
    }

    #[test]
    fn a_dump_that_was_interrupted_is_asked_for_again_a_few_times() {
        for (interruptions, asked) in [(0, 1), (2, 3), (TRIES - 1, TRIES), (usize::MAX, TRIES)] {
            let (reply, found) = dump(interruptions);
            assert_eq!((reply.interrupted, found), (interruptions >= TRIES, asked));
            // What an earlier try told is not told again.
            assert_eq!(reply.data.len(), 2 * (HEADER + 4));
        }
    }
}
