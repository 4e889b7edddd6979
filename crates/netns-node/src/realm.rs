//! What native code keeps for one JavaScript thread; a Worker that ends takes it along.

use std::cell::{OnceCell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use napi::{Env, Result};
use netns_core::{Anchor, NetNs, crew};

use crate::error::OrThrow;
use crate::often::Given;
use crate::slot::Slots;

thread_local! {
    static REALM: Rc<Realm> = Rc::default();
}

#[derive(Default)]
pub struct Realm {
    pub slots: Slots,
    /// What is given to the functions that are called often. Dropped only while Node still knows its values.
    pub given: RefCell<Option<ManuallyDrop<Given>>>,
    /// Where the thread belongs, found out at its first section.
    anchor: OnceCell<Anchor>,
}

impl Realm {
    /// The calling thread's.
    pub fn here() -> Rc<Self> {
        REALM.with(Rc::clone)
    }

    /// Calls `f` with the calling thread's.
    pub fn with<T>(f: impl FnOnce(&Self) -> T) -> T {
        REALM.with(|realm| f(realm))
    }

    /// Calls `f` with the thread's anchor.
    #[inline]
    pub fn with_anchor<T>(&self, env: &Env, f: impl FnOnce(&Anchor) -> netns_core::Result<T>) -> Result<T> {
        let anchor = match self.anchor.get() {
            Some(anchor) => anchor,
            None => self.first_anchor(env)?,
        };
        f(anchor).or_throw(env)
    }

    /// The crew is mustered first: after that the thread may be elsewhere.
    #[cold]
    fn first_anchor(&self, env: &Env) -> Result<&Anchor> {
        NetNs::home().and_then(|_home| crew::muster()).or_throw(env)?;
        let anchor = Anchor::here().or_throw(env)?;
        Ok(self.anchor.get_or_init(|| anchor))
    }

    /// Brings the thread out of open sections.
    pub fn retreat(&self) {
        if let Some(anchor) = self.anchor.get() {
            anchor.retreat();
        }
    }
}
