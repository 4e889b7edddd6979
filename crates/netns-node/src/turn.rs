//! Work on a namespace that has its turn among the netlink requests to it.

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};
use netns_core::netlink::Client;

use crate::error::OrThrow;
use crate::promise::{Place, promise};
use crate::slot::client;

/// Works on a namespace off this thread. What is asked for on this thread meanwhile waits for it.
pub fn off<T: ToNapiValue + Send + 'static>(
    env: &Env,
    slot: u32,
    work: impl FnOnce(&Client) -> netns_core::Result<T> + Send + 'static,
) -> Result<Object<'_>> {
    let client = client(env, slot)?;
    let errand = client.errand();
    promise(env, Place::Crew, move || {
        let _under_way = errand;
        work(&client)
    })
}

/// The same on this thread, after all that other threads were given to do for this namespace.
pub fn here<T>(env: &Env, slot: u32, work: impl FnOnce(&Client) -> netns_core::Result<T>) -> Result<T> {
    let client = client(env, slot)?;
    client.settle();
    work(&client).or_throw(env)
}
