//! What a child does between its birth and its program: it joins namespaces, mounts, becomes another user, gives up
//! capabilities, and executes. Nothing here allocates, locks or uses the C library, so that all of it may run
//!
//! - in a child that still shares its parent's memory (`clone` with `CLONE_VM`), as `netns-core` starts
//!   commands, and
//! - in [`HELPER`], a small static program that does the same from a command line, for programs that others start.
#![cfg_attr(not(test), no_std)]
#![expect(clippy::result_large_err, reason = "a failure owns its path by value, as a child has no heap to put it on")]

pub mod broker;
pub mod credentials;
pub mod etc;
pub mod failure;
pub mod line;
pub mod program;
pub mod script;
pub mod setup;
pub mod sys;
pub mod sysfs;

pub use failure::Failure;
pub use setup::{Join, Setup};

/// The helper program: an ELF executable without dependencies, to be written where it may run.
///
/// `netns-exec [-r FD] [-n PATH [-i DEV:INO]] [-l] [-e DIR] [-s] [-c HEX] [-b] [-g ID,…] [-G ID] [-u ID] [-C DIR] [-0 NAME] -- file
/// [argument…]`, `netns-exec -f FILE [argument…]`, or `netns-exec -B`: see
/// `src/helper.rs`.
pub static HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/netns-exec"));

#[cfg(test)]
mod tests;
