//! Handles.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use napi::bindgen_prelude::{BigInt, Buffer, Object};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::NetNs;

use crate::error::{OrThrow, closed};
use crate::promise::{Place, promise};
use crate::slot::{keep, kept};
use crate::thread::with_anchor;

/// A network namespace held open.
#[napi]
pub struct Handle {
    open: RefCell<Option<NetNs>>,
    /// What JavaScript sees as `fd`: a duplicate, so that nobody can close the one we enter by.
    exposed: RefCell<Option<OwnedFd>>,
}

/// Device and inode.
#[napi(object)]
pub struct Identity {
    /// The device number.
    pub dev: f64,
    /// The inode number.
    pub inode: f64,
}

/// The owning user namespace.
#[napi(object)]
pub struct Owner {
    /// Its creator.
    pub uid: u32,
    /// `user:[…]`.
    pub user_namespace: String,
}

impl From<NetNs> for Handle {
    fn from(namespace: NetNs) -> Self {
        Self { open: RefCell::new(Some(namespace)), exposed: RefCell::default() }
    }
}

impl Handle {
    pub fn namespace(&self) -> Result<NetNs> {
        self.open.borrow().clone().ok_or_else(closed)
    }
}

/// The calling thread's, as the number of a slot.
#[napi(catch_unwind)]
pub fn open_current(env: &Env) -> Result<u32> {
    NetNs::current().or_throw(env).and_then(|current| keep(env, current))
}

/// A new one, made on this thread in a guarded section, as the number of a slot.
#[napi(catch_unwind)]
pub fn create_sync(env: &Env, loopback: bool) -> Result<u32> {
    with_anchor(env, |anchor| anchor.create(loopback)).and_then(|created| keep(env, created))
}

#[napi]
impl Handle {
    /// What a slot holds.
    #[napi(catch_unwind)]
    pub fn of(env: &Env, slot: u32) -> Result<Handle> {
        kept(env, slot).map(Handle::from)
    }

    /// The number of a slot that holds it too.
    #[napi(catch_unwind)]
    pub fn slot(&self, env: &Env) -> Result<u32> {
        keep(env, self.namespace()?)
    }

    /// The process's first.
    #[napi(catch_unwind)]
    pub fn home(env: &Env) -> Result<Handle> {
        NetNs::home().map(Handle::from).or_throw(env)
    }

    /// By the bytes of a path.
    #[napi(catch_unwind)]
    pub fn from_path(env: &Env, path: Buffer) -> Result<Handle> {
        NetNs::from_path(OsStr::from_bytes(&path)).map(Handle::from).or_throw(env)
    }

    /// By a process.
    #[napi(catch_unwind)]
    pub fn from_pid(env: &Env, pid: u32) -> Result<Handle> {
        NetNs::from_pid(pid).map(Handle::from).or_throw(env)
    }

    /// By a thread of a process.
    #[napi(catch_unwind)]
    pub fn from_thread(env: &Env, pid: u32, tid: u32) -> Result<Handle> {
        NetNs::from_thread(pid, tid).map(Handle::from).or_throw(env)
    }

    /// A new one, made on a thread of ours.
    #[napi(catch_unwind, ts_return_type = "Promise<Handle>")]
    pub fn create(env: &Env, loopback: bool) -> Result<Object<'_>> {
        promise(env, Place::Crew, move || NetNs::create(loopback).map(Handle::from))
    }

    /// Lets go of the namespace.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.open.take();
        self.exposed.take();
    }

    /// A descriptor to hand out; it closes with the handle.
    #[napi(catch_unwind)]
    pub fn descriptor(&self, env: &Env) -> Result<i32> {
        let namespace = self.namespace()?;
        let mut exposed = self.exposed.borrow_mut();
        if exposed.is_none() {
            *exposed = Some(namespace.try_clone_fd().or_throw(env)?);
        }
        exposed.as_ref().map(AsRawFd::as_raw_fd).ok_or_else(closed)
    }

    /// Device and inode.
    #[napi(catch_unwind)]
    pub fn identify(&self, env: &Env) -> Result<Identity> {
        let found = self.namespace()?.identity().or_throw(env)?;
        // Both are far below 2^53: nsfs has an anonymous device and 32-bit inodes.
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let numbers = Identity { dev: found.dev as f64, inode: found.ino as f64 };
        Ok(numbers)
    }

    /// `SO_NETNS_COOKIE`.
    #[napi(catch_unwind)]
    pub fn cookie(&self, env: &Env) -> Result<Option<BigInt>> {
        Ok(self.namespace()?.cookie().or_throw(env)?.map(BigInt::from))
    }

    /// The owning user namespace.
    #[napi(catch_unwind)]
    pub fn owner(&self, env: &Env) -> Result<Owner> {
        let owner = self.namespace()?.owner().or_throw(env)?;
        Ok(Owner { uid: owner.uid, user_namespace: owner.user_namespace })
    }

    /// A handle of its own of the same namespace.
    #[napi(catch_unwind)]
    pub fn share(&self) -> Result<Handle> {
        self.namespace().map(Handle::from)
    }

    /// The processes inside.
    #[napi(catch_unwind, ts_return_type = "Promise<number[]>")]
    pub fn pids<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let namespace = self.namespace()?;
        promise(env, Place::Crew, move || netns_core::pids(&namespace))
    }
}
