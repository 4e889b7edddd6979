//! Netlink requests as JavaScript hands them over: numbers and text, as each object or property costs a crossing.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use napi::{Error, Result};
use netns_core::netlink::{Acknowledge, Client, Errand, LinkName, Protocol, Request};

use crate::slot::client;

/// How many numbers a plan begins with.
const HEAD: usize = 4;
/// What a blank is filled in with.
const PEER: u32 = 1;
const NAMESPACE: u32 = 2;

/// One or more messages, and what is filled in when they are sent. What takes longer the more messages there are is left
/// to the thread that sends them.
pub struct Handed {
    protocol: Protocol,
    bytes: Vec<u8>,
    acknowledge: Acknowledge,
    blanks: Vec<u32>,
    names: Vec<String>,
    /// Those that messages tell of, by their slots.
    namespaces: Vec<(u32, Arc<Client>)>,
}

impl Handed {
    /// Takes over a copy.
    ///
    /// `plan` is the protocol, how many of the bytes are the messages, whether one acknowledgement stands for many
    /// messages, how many numbers follow; and three for each blank: its sort, its offset, and what it is of. A blank of
    /// sort 0 is the index of the link by whose name it is, 1 that of this link's other end, 2 the descriptor of the
    /// namespace in that slot. `names` are those of links, each once, with NULs between them.
    pub fn over(plan: &[u32], bytes: &[u8], names: &str) -> Result<Self> {
        let (&[protocol, length, last, count], blanks) =
            plan.split_first_chunk::<HEAD>().ok_or_else(|| Error::from_reason("a plan is cut short"))?;
        let protocol = match protocol {
            0 => Protocol::Route,
            12 => Protocol::Netfilter,
            16 => Protocol::Generic,
            other => return Err(Error::from_reason(format!("there is no netlink protocol {other} here"))),
        };
        let blanks = start_of(blanks, count);
        let mut namespaces = Vec::new();
        for blank in blanks.chunks_exact(3) {
            if blank[0] == NAMESPACE {
                namespaces.push((blank[2], client(blank[2])?));
            }
        }
        Ok(Self {
            protocol,
            bytes: start_of(bytes, length),
            acknowledge: if last == 0 { Acknowledge::Flagged } else { Acknowledge::Last },
            blanks,
            names: names.split('\0').filter(|name| !name.is_empty()).map(String::from).collect(),
            namespaces,
        })
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// To be held from when it is given to another thread, for the namespaces that it tells of: it changes them too.
    pub fn errands(&self) -> Vec<Errand> {
        self.namespaces.iter().map(|(_, client)| client.errand()).collect()
    }

    /// Waits for what other threads were given to do in the namespaces that it tells of.
    pub fn settle(&self) {
        for (_, client) in &self.namespaces {
            client.settle();
        }
    }

    /// All messages, as one request.
    pub fn whole(mut self) -> netns_core::Result<(Protocol, Request)> {
        let bytes = mem::take(&mut self.bytes);
        let range = 0..bytes.len();
        Ok((self.protocol, self.request(bytes, &range)?))
    }

    /// The messages in one part of the bytes, as a request of their own.
    pub fn part(&self, range: &Range<usize>) -> netns_core::Result<Request> {
        self.request(self.bytes.get(range.clone()).unwrap_or_default().to_vec(), range)
    }

    fn request(&self, bytes: Vec<u8>, range: &Range<usize>) -> netns_core::Result<Request> {
        let mut request = Request::new(bytes)?.acknowledging(self.acknowledge);
        let mut blanks = Vec::with_capacity(self.blanks.len() / 3);
        for blank in self.blanks.chunks_exact(3) {
            let (sort, offset, of) = (blank[0], blank[1] as usize, blank[2]);
            if !range.contains(&offset) {
                continue;
            }
            let offset = offset - range.start;
            if sort != NAMESPACE {
                blanks.push((offset, 2 * of as usize + usize::from(sort == PEER)));
            } else if let Some((_, namespace)) = self.namespaces.iter().find(|(slot, _)| *slot == of) {
                request = request.with_namespace(offset, namespace.namespace().clone());
            }
        }
        // Each name stands for two links: itself, and its other end.
        let links = self.names.iter().flat_map(|name| [LinkName::Of(name.clone()), LinkName::PeerOf(name.clone())]);
        Ok(request.with_links(links, blanks))
    }
}

fn start_of<T: Copy>(items: &[T], count: u32) -> Vec<T> {
    items[..items.len().min(count as usize)].to_vec()
}
