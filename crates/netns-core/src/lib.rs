//! Linux network namespaces as safe Rust: handles that pin a namespace, names shared with iproute2 under
//! `/run/netns`, and code that runs inside without ever stranding a thread.
//!
//! A network namespace is an attribute of an OS *thread*. Everything here follows from that:
//!
//! - [`NetNs`] is a descriptor of a namespace, checked to be one when it is made.
//! - [`NetNs::run`] moves the calling thread in, runs a closure and moves it back, whatever the closure does;
//!   if going back is impossible, the process aborts rather than go on in the wrong network.
//! - [`NetNs::spawn`] starts a thread that is born inside and ends there.
//! - [`Command`] starts a program inside, at a cost that does not grow with this process.
//! - [`Registry`] is `ip netns`: names for namespaces, under the same lock and mount-propagation protocol.
//!
//! ```no_run
//! use netns_core::{NetNs, Registry};
//!
//! let red = Registry::default().create(&"red".parse()?, true)?;
//! let listener = red.run(|| std::net::TcpListener::bind("127.0.0.1:80"))?;
//! Registry::default().delete(&"red".parse()?, false)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg(target_os = "linux")]

mod anchor;
mod broker;
mod capability;
mod command;
mod create;
pub mod crew;
mod error;
#[cfg(feature = "foreign")]
pub mod foreign;
mod handle;
pub mod helper;
mod identity;
mod inside;
mod lane;
mod links;
mod loopback;
pub mod netlink;
mod origin;
mod probe;
mod processes;
mod registry;
mod rootless;
mod socket;
mod sysctl;
mod thread;
mod tun;
mod way_back;

pub use anchor::Anchor;
pub use command::{Child, Command, CommandExt, Environment, Event as CommandEvent, Exit, Stdio};
pub use error::{Error, Kind, Result};
pub use handle::NetNs;
pub use identity::{Identity, Owner};
pub use lane::Lane;
pub use links::{Endpoint, SocketRef};
pub use netns_exec::HELPER;
pub use probe::{Abilities, Ability, probe};
pub use processes::pids;
pub use registry::{DEFAULT_DIRECTORY, Event, Listing, Name, Named, Registry, Stopper, Watch};
pub use thread::current_is_main;
pub use tun::Tun;
