//! What native code keeps for one JavaScript thread; a Worker that ends takes it along.

use std::cell::OnceCell;
use std::rc::Rc;

use napi::{Env, Result};
use netns_core::{Anchor, NetNs, crew};

use crate::error::OrThrow;
use crate::slot::Slots;

thread_local! {
    static REALM: Rc<Realm> = Rc::default();
}

#[derive(Default)]
pub struct Realm {
    pub slots: Slots,
    /// Where the thread belongs, found out at its first section.
    anchor: OnceCell<Anchor>,
}

impl Realm {
    /// The calling thread's. What is called often holds it, as to find it takes its time too.
    pub fn here() -> Rc<Self> {
        REALM.with(Rc::clone)
    }

    /// Calls `f` with the thread's anchor. The crew is mustered first: after that the thread may be elsewhere.
    pub fn with_anchor<T>(&self, env: &Env, f: impl FnOnce(&Anchor) -> netns_core::Result<T>) -> Result<T> {
        if let Some(anchor) = self.anchor.get() {
            return f(anchor).or_throw(env);
        }
        NetNs::home().and_then(|_home| crew::muster()).or_throw(env)?;
        let anchor = Anchor::here().or_throw(env)?;
        f(self.anchor.get_or_init(|| anchor)).or_throw(env)
    }

    /// Brings the thread out of open sections.
    pub fn retreat(&self) {
        if let Some(anchor) = self.anchor.get() {
            anchor.retreat();
        }
    }
}
