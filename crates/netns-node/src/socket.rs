//! Sockets for handles that cannot open their own, and what such handles get wrong.

use std::os::fd::IntoRawFd;

use napi::bindgen_prelude::Buffer;
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::{SocketRef, foreign};

use crate::error::OrThrow;
use crate::handle::Handle;
use crate::thread::with_anchor;

/// An end of a connection.
#[napi(object)]
pub struct Endpoint {
    /// The address.
    pub address: String,
    /// `IPv4` or `IPv6`.
    pub family: String,
    /// The port.
    pub port: u32,
}

/// Calls `f` with a socket of libuv's, which has it open while JavaScript, which gave its number, waits.
fn lent<T>(socket: u32, f: impl FnOnce(SocketRef<'_>) -> Result<T>) -> Result<T> {
    let called = foreign::lend(socket, |socket| f(socket.into()));
    called.unwrap_or_else(|| Err(napi::Error::from_reason("the descriptor is not open")))
}

/// Whether another process does what has to be done in the namespace, as this thread cannot.
#[napi(catch_unwind)]
pub fn is_brokered(env: &Env, handle: &Handle) -> Result<bool> {
    let namespace = handle.namespace()?;
    with_anchor(env, |anchor| anchor.is_brokered(&namespace))
}

/// A socket of the namespace, by the numbers of socket(2); the descriptor is the caller's.
#[napi(catch_unwind)]
pub fn open_socket(env: &Env, handle: &Handle, family: i32, kind: i32) -> Result<i32> {
    handle.namespace()?.open_socket(family, kind, 0).map(IntoRawFd::into_raw_fd).or_throw(env)
}

/// A socket bound to an abstract name; the descriptor is the caller's.
#[napi(catch_unwind)]
pub fn bind_abstract(env: &Env, handle: &Handle, name: Buffer) -> Result<i32> {
    handle.namespace()?.bind_abstract(&name).map(IntoRawFd::into_raw_fd).or_throw(env)
}

/// Takes `SO_REUSEADDR` back.
#[napi(catch_unwind)]
pub fn forbid_reuse(env: &Env, socket: u32) -> Result<()> {
    lent(socket, |socket| socket.forbid_reuse().or_throw(env))
}

/// What a socket is bound or connected to.
#[napi(catch_unwind)]
pub fn endpoint_of(env: &Env, socket: u32, peer: bool) -> Result<Option<Endpoint>> {
    let found = lent(socket, |socket| socket.endpoint(peer).or_throw(env))?;
    Ok(found.map(|found| Endpoint {
        address: found.address,
        family: if found.v6 { "IPv6" } else { "IPv4" }.into(),
        port: found.port.into(),
    }))
}

/// Restricts a socket to an interface of its network.
#[napi(catch_unwind)]
pub fn bind_to_link(env: &Env, socket: u32, link: String) -> Result<()> {
    lent(socket, |socket| socket.bind_to_link(&link).or_throw(env))
}

/// Has what a socket sends next leave by an interface.
#[napi(catch_unwind)]
pub fn send_by_link(env: &Env, socket: u32, link: Option<String>) -> Result<()> {
    lent(socket, |socket| socket.send_by_link(link.as_deref()).or_throw(env))
}

/// Has a socket's multicasts leave by the interface that an address names.
#[napi(catch_unwind)]
pub fn multicast_by_link(env: &Env, socket: u32, interface: String) -> Result<()> {
    lent(socket, |socket| socket.multicast_by_link(&interface).or_throw(env))
}

/// Joins or leaves a multicast group on the interface that an address names.
#[napi(catch_unwind)]
pub fn membership(
    env: &Env,
    socket: u32,
    group: String,
    source: Option<String>,
    interface: Option<String>,
    join: bool,
) -> Result<()> {
    lent(socket, |socket| socket.membership(&group, source.as_deref(), interface.as_deref(), join).or_throw(env))
}
