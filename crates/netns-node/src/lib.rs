//! The napi-rs binding of `netns-core`: it converts values and errors and forwards. No policy, no system calls.
#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::needless_pass_by_value,
    reason = "napi-derive dictates how arguments arrive"
)]
#![expect(missing_debug_implementations, reason = "classes and records exist only for JavaScript")]

mod command;
mod error;
mod handed;
mod handle;
mod netlink;
mod often;
mod probe;
mod promise;
mod realm;
mod registry;
mod reply;
mod slot;
mod socket;
mod subscription;
mod sysctl;
mod thread;
mod tun;
mod turn;
mod watch;
