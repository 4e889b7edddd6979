//! Kernel settings.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::turn::{here, off};

/// Reads a kernel setting.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn read_sysctl(env: &Env, slot: u32, name: String) -> Result<Object<'_>> {
    off(env, slot, move |client| client.namespace().sysctl(&name))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn read_sysctl_sync(env: &Env, slot: u32, name: String) -> Result<String> {
    here(env, slot, |client| client.namespace().sysctl(&name))
}

/// Writes a kernel setting.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn write_sysctl(env: &Env, slot: u32, name: String, value: String) -> Result<Object<'_>> {
    off(env, slot, move |client| client.namespace().set_sysctl(&name, &value))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn write_sysctl_sync(env: &Env, slot: u32, name: String, value: String) -> Result<()> {
    here(env, slot, |client| client.namespace().set_sysctl(&name, &value))
}
