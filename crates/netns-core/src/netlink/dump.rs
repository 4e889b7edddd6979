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
    pub(crate) fn dump(&mut self, mut request: Request) -> Result<Reply> {
        let mut reply = Reply::default();
        if let Some(refusal) = self.fill_in(&mut request, 0)? {
            reply.refusals.push(refusal);
            return Ok(reply);
        }
        for _ in 0..TRIES {
            reply = self.dump_once(&mut request.bytes)?;
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
