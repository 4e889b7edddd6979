//! Tun and tap links, which no netlink message makes.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::Tun;

use crate::turn::{here, off};

/// Makes a tun or tap link.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn create_tun(
    env: &Env,
    slot: u32,
    name: String,
    tap: bool,
    multi_queue: bool,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<Object<'_>> {
    let tun = Tun { name, tap, multi_queue, owner, group };
    off(env, slot, move |client| client.namespace().create_tun(&tun))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn create_tun_sync(
    env: &Env,
    slot: u32,
    name: String,
    tap: bool,
    multi_queue: bool,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<()> {
    let tun = Tun { name, tap, multi_queue, owner, group };
    here(env, slot, |client| client.namespace().create_tun(&tun))
}
