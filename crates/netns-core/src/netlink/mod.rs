//! rtnetlink and its siblings, in any namespace, from any thread.
//!
//! A netlink socket belongs for life to the namespace it was made in. So one is made inside, in a guarded section, and
//! does the work from wherever it is used: no thread lives inside, and no async runtime is needed.
//!
//! This module is the *protocol*: framing, sequence numbers, many requests in one datagram, acknowledgements with the
//! kernel's own words, dumps that were interrupted, events and their overflow. The *messages* are bytes, and whoever
//! makes them chooses how: Rust by `netlink-packet-route`, the TypeScript side by tables of its own, which write and
//! read the bytes where the values live.
//!
//! ```no_run
//! use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
//! use netlink_packet_route::{RouteNetlinkMessage, link::LinkMessage};
//! use netns_core::{NetNs, netlink::{Client, Messages, Protocol, Request}};
//!
//! let client = Client::new(NetNs::create(true)?);
//! let mut ask = NetlinkMessage::from(RouteNetlinkMessage::GetLink(LinkMessage::default()));
//! ask.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
//! ask.finalize();
//! let mut bytes = vec![0; ask.buffer_len()];
//! ask.serialize(&mut bytes);
//! let replies = client.dump(Protocol::Route, Request::new(bytes)?)?;
//! for message in Messages::of(&replies[0].data) {
//!     println!("{:?}", NetlinkMessage::<RouteNetlinkMessage>::deserialize(message?.bytes)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod dump;
mod errands;
mod exchange;
mod link;
mod lookout;
mod message;
mod refusal;
mod request;
mod socket;
mod subscription;

pub use client::{Client, in_order};
pub use errands::Errand;
pub use link::LinkName;
pub use lookout::Lookout;
pub use message::{Message, Messages};
pub use refusal::Refusal;
pub use request::{Acknowledge, Reply, Request};
pub use socket::Protocol;
pub use subscription::{Changes, Subscription};
