//! The JavaScript thread's guarded sections.

use napi::bindgen_prelude::{Function, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::{Anchor, foreign};

use crate::error::OrThrow;
use crate::handle::Handle;
use crate::realm::Realm;

/// Calls `f` with this thread's anchor.
pub fn with_anchor<T>(env: &Env, f: impl FnOnce(&Anchor) -> netns_core::Result<T>) -> Result<T> {
    Realm::of(env)?.with_anchor(env, f)
}

/// Calls `callback` with the thread inside. What it returns or throws passes through after the thread is back: by `apply`,
/// which leaves an exception where it is. `call` takes it off, and with it the end of a thread that is being ended.
pub fn run_inside<'env>(
    env: &Env,
    realm: &Realm,
    slot: u32,
    callback: &Function<'env, (), Unknown<'env>>,
) -> Result<Unknown<'env>> {
    let namespace = realm.slots.kept(slot)?;
    realm.with_anchor(env, |anchor| anchor.run(namespace, || callback.apply((), ())))?
}

/// Calls `callback`, which opens a socket and returns its number or a negative one, with the thread inside. Whether the
/// socket belongs to the namespace is found out once the thread is back; `None` if none was opened.
pub fn open_inside(env: &Env, realm: &Realm, slot: u32, callback: &Function<'_, (), i32>) -> Result<Option<bool>> {
    let namespace = realm.slots.kept(slot)?;
    let number = realm.with_anchor(env, |anchor| anchor.run(&namespace, || callback.apply((), ())))??;
    u32::try_from(number).ok().map(|number| foreign::owns(&namespace, number).or_throw(env)).transpose()
}

/// Moves the thread for good.
#[napi(catch_unwind)]
pub fn move_thread(env: &Env, handle: &Handle) -> Result<()> {
    let namespace = handle.namespace()?;
    with_anchor(env, |anchor| anchor.move_to(&namespace))
}

/// Brings the thread out of open sections, as the process is about to end inside them.
#[napi(catch_unwind)]
pub fn retreat(env: &Env) -> Result<()> {
    Realm::of(env)?.retreat();
    Ok(())
}

/// Whether an open socket belongs to a namespace.
#[napi(catch_unwind)]
pub fn owns_socket(env: &Env, handle: &Handle, socket: u32) -> Result<bool> {
    foreign::owns(&handle.namespace()?, socket).or_throw(env)
}
