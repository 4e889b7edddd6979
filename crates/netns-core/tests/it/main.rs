//! Black-box tests of the crate, in the order of its interface. They make namespaces and mounts, so they run only where
//! those are nobody's: `npm test` gives them a network and a mount namespace of their own, with an empty `/run`.

mod common;
mod crew;
#[cfg(feature = "foreign")]
mod foreign;
mod handle;
mod listing;
mod listing_elsewhere;
mod names;
mod origin;
mod probe;
mod registry;
mod thread;
mod watch;
