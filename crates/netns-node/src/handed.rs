//! Netlink requests as JavaScript hands them over: numbers and text, as each object or property costs a crossing.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use napi::{Env, Error, Result};
use netns_core::netlink::{Acknowledge, Client, Errand, LinkName, Protocol, Request};

use crate::slot::client;

/// How many numbers a plan begins with, and how many steps have their place behind them.
const HEAD: usize = 5;
const STEPS: usize = 3;
/// What a blank is filled in with.
const PEER: u32 = 1;
const NAMESPACE: u32 = 2;

/// A request to one namespace after the other.
pub type Steps = Vec<(Arc<Client>, Protocol, Request)>;

/// One or more messages, whom they are for, and what is filled in when they are sent. What takes longer the more messages
/// there are is left to the thread that sends them.
pub struct Handed {
    protocol: Protocol,
    bytes: Vec<u8>,
    acknowledge: Acknowledge,
    /// Each namespace in turn, and where the messages for it end.
    steps: Vec<(Arc<Client>, usize)>,
    blanks: Vec<u32>,
    names: Vec<String>,
    /// Those whose descriptors are filled in, by their slots.
    namespaces: Vec<(u32, Arc<Client>)>,
}

impl Handed {
    /// Takes over a copy.
    ///
    /// `plan` is the protocol, how many of the bytes are the messages, whether one acknowledgement stands for many
    /// messages, how many steps there are, and how many numbers tell of blanks. Then there is room for three steps: the
    /// slot of a namespace, and where the messages for it end. Then there are three numbers for each blank: its sort, its
    /// offset, and what it is of. A blank of sort 0 is the index of the link by whose name it is, 1 that of this link's
    /// other end, 2 the descriptor of the namespace in that slot. `names` are those of links, each once, with NULs between
    /// them.
    pub fn over(env: &Env, plan: &[u32], bytes: &[u8], names: &str) -> Result<Self> {
        let short = || Error::from_reason("a plan is cut short");
        let (&[protocol, length, last, count, blanks], rest) = plan.split_first_chunk::<HEAD>().ok_or_else(short)?;
        let (steps, rest) = rest.split_at_checked(2 * STEPS).ok_or_else(short)?;
        let protocol = match protocol {
            0 => Protocol::Route,
            12 => Protocol::Netfilter,
            16 => Protocol::Generic,
            other => return Err(Error::from_reason(format!("there is no netlink protocol {other} here"))),
        };
        // One that would be left out would be taken for carried out.
        let steps = steps.as_chunks::<2>().0.get(..count as usize).ok_or_else(short)?.iter();
        let blanks = start_of(rest, blanks);
        let mut namespaces = Vec::new();
        for blank in blanks.chunks_exact(3) {
            if blank[0] == NAMESPACE {
                namespaces.push((blank[2], client(env, blank[2])?));
            }
        }
        Ok(Self {
            protocol,
            bytes: start_of(bytes, length),
            acknowledge: if last == 0 { Acknowledge::Flagged } else { Acknowledge::Last },
            steps: steps.map(|&[slot, end]| Ok((client(env, slot)?, end as usize))).collect::<Result<_>>()?,
            blanks,
            names: names.split('\0').filter(|name| !name.is_empty()).map(String::from).collect(),
            namespaces,
        })
    }

    /// To whom the first messages go.
    pub fn first(&self) -> Result<&Arc<Client>> {
        self.steps.first().map(|(client, _)| client).ok_or_else(|| Error::from_reason("a request is for nobody"))
    }

    /// To be held until everything was carried out by another thread.
    pub fn errands(&self) -> Vec<Errand> {
        self.clients().map(Client::errand).collect()
    }

    /// Waits until other threads have carried out what they were given before.
    pub fn settle(&self) {
        self.clients().for_each(Client::settle);
    }

    /// Of all namespaces that the messages are for or about.
    fn clients(&self) -> impl Iterator<Item = &Client> {
        let namespaces = self.namespaces.iter().map(|(_, client)| client);
        self.steps.iter().map(|(client, _)| client).chain(namespaces).map(Arc::as_ref)
    }

    /// What is sent to whom.
    pub fn steps(mut self) -> netns_core::Result<Steps> {
        let steps = mem::take(&mut self.steps);
        if let [(client, _)] = &steps[..] {
            let bytes = mem::take(&mut self.bytes);
            let whole = 0..bytes.len();
            return Ok(vec![(Arc::clone(client), self.protocol, self.request(bytes, &whole)?)]);
        }
        let mut start = 0;
        let mut requests = Vec::with_capacity(steps.len());
        for (client, end) in steps {
            let range = start..end;
            let bytes = self.bytes.get(range.clone()).unwrap_or_default().to_vec();
            requests.push((client, self.protocol, self.request(bytes, &range)?));
            start = end;
        }
        Ok(requests)
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
            } else if let Some((_, client)) = self.namespaces.iter().find(|(slot, _)| *slot == of) {
                request = request.with_namespace(offset, client.namespace().clone());
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
