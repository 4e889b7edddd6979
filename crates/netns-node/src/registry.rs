//! Names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use napi::bindgen_prelude::{Object, Uint32Array};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::{Name, Registry};

use crate::error::OrThrow;
use crate::handle::Handle;
use crate::promise::{Place, promise};
use crate::realm::Realm;
use crate::slot::keep;
use crate::thread::with_anchor;

/// What a directory of names holds, in few values, as each costs a crossing.
#[napi(object)]
pub struct Listing {
    /// The names of namespaces, joined by the one character that no name has: `/`.
    pub names: String,
    /// Their inode numbers.
    pub inodes: Uint32Array,
    /// Their device.
    pub dev: f64,
    /// Names that are no namespaces.
    pub stale: Vec<String>,
}

fn listing(registry: &Registry) -> netns_core::Result<Listing> {
    let (mut names, mut inodes, mut dev, mut stale) = (String::new(), Vec::new(), 0, Vec::new());
    registry.visit(|name, identity| {
        let name = name.to_string_lossy();
        let Some(identity) = identity else { return stale.push(name.into_owned()) };
        if !names.is_empty() {
            names.push('/');
        }
        names.push_str(&name);
        inodes.push(u32::try_from(identity.ino).unwrap_or_default());
        dev = identity.dev;
    })?;
    #[expect(clippy::cast_precision_loss, reason = "an anonymous device, far below 2^53")]
    let dev = dev as f64;
    Ok(Listing { names, inodes: inodes.into(), dev, stale })
}

fn parse(env: &Env, name: String) -> Result<Name> {
    Name::new(name).or_throw(env)
}

/// Opens a name, as the number of a slot.
#[napi(catch_unwind)]
pub fn open_name(env: &Env, directory: String, name: String) -> Result<u32> {
    let name = parse(env, name)?;
    Registry::new(directory).open(&name).or_throw(env).and_then(|opened| keep(env, opened))
}

/// Opens the name that the first letters are, in iproute2's directory, as the number of a slot.
pub fn open_spelled(env: &Env, realm: &Realm, letters: &[u8], length: u32) -> Result<u32> {
    let name = letters.get(..length as usize).unwrap_or_default();
    Registry::default().find(OsStr::from_bytes(name)).map(|namespace| realm.slots.keep(namespace)).or_throw(env)
}

/// Makes a namespace with a name, on this thread in a guarded section, as the number of a slot.
#[napi(catch_unwind)]
pub fn create_name_sync(env: &Env, directory: String, name: String, loopback: bool) -> Result<u32> {
    let name = parse(env, name)?;
    let created = with_anchor(env, |anchor| anchor.create_here(loopback))?;
    Registry::new(directory).attach(&name, &created).or_throw(env)?;
    keep(env, created)
}

/// Makes a namespace with a name, on a thread of ours.
#[napi(catch_unwind, ts_return_type = "Promise<Handle>")]
pub fn create_name(env: &Env, directory: String, name: String, loopback: bool) -> Result<Object<'_>> {
    let name = parse(env, name)?;
    promise(env, Place::Crew, move || Registry::new(directory).create(&name, loopback).map(Handle::from))
}

/// Gives a namespace a name.
#[napi(catch_unwind)]
pub fn attach_name_sync(env: &Env, directory: String, name: String, handle: &Handle) -> Result<()> {
    let name = parse(env, name)?;
    Registry::new(directory).attach(&name, &handle.namespace()?).or_throw(env)
}

/// Gives a namespace a name.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn attach_name<'env>(env: &'env Env, directory: String, name: String, handle: &Handle) -> Result<Object<'env>> {
    let name = parse(env, name)?;
    let namespace = handle.namespace()?;
    promise(env, Place::Crew, move || Registry::new(directory).attach(&name, &namespace))
}

/// Takes a name away.
#[napi(catch_unwind)]
pub fn delete_name_sync(env: &Env, directory: String, name: String, force: bool) -> Result<()> {
    let name = parse(env, name)?;
    Registry::new(directory).delete(&name, force).or_throw(env)
}

/// Takes a name away.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn delete_name(env: &Env, directory: String, name: String, force: bool) -> Result<Object<'_>> {
    let name = parse(env, name)?;
    promise(env, Place::Crew, move || Registry::new(directory).delete(&name, force))
}

/// What the directory holds.
#[napi(catch_unwind)]
pub fn list_names_sync(env: &Env, directory: String) -> Result<Listing> {
    listing(&Registry::new(directory)).or_throw(env)
}

/// What the directory holds.
#[napi(catch_unwind, ts_return_type = "Promise<Listing>")]
pub fn list_names(env: &Env, directory: String) -> Result<Object<'_>> {
    promise(env, Place::Crew, move || listing(&Registry::new(directory)))
}

/// The names of one namespace.
#[napi(catch_unwind, ts_return_type = "Promise<string[]>")]
pub fn names_of<'env>(env: &'env Env, directory: String, handle: &Handle) -> Result<Object<'env>> {
    let namespace = handle.namespace()?;
    promise(env, Place::Crew, move || {
        let names = Registry::new(directory).names_of(&namespace)?;
        Ok(names.iter().map(ToString::to_string).collect::<Vec<_>>())
    })
}
