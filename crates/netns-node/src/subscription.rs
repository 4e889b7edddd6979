//! Netlink events.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, Object, Uint32Array};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::Stopper;
use netns_core::netlink::{Changes, Lookout, Subscription};

use crate::error::OrThrow;
use crate::handle::Handle;
use crate::promise::owed;

/// What changed.
#[napi(object, object_from_js = false)]
pub struct NetlinkChanges {
    /// Messages.
    pub data: Buffer,
    /// Something was missed.
    pub overflow: bool,
    /// The subscription has ended.
    pub stopped: bool,
}

impl From<Changes> for NetlinkChanges {
    fn from(changes: Changes) -> Self {
        Self { data: changes.data.into(), overflow: changes.overflow, stopped: changes.stopped }
    }
}

/// Changes of a namespace's network.
#[napi]
pub struct NetlinkSubscription {
    subscription: Arc<Mutex<Subscription>>,
    stopper: Stopper,
    /// Until it is stopped, so that the thread stays from one wait to the next.
    lookout: Mutex<Option<Arc<Lookout>>>,
}

#[napi]
impl NetlinkSubscription {
    /// Listens from now on.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, handle: &Handle, groups: Uint32Array, room: u32) -> Result<Self> {
        let subscription = Subscription::new(&handle.namespace()?, &groups, room as usize).or_throw(env)?;
        let stopper = subscription.stopper();
        let lookout = Mutex::new(Some(Lookout::shared().or_throw(env)?));
        Ok(Self { subscription: Arc::new(Mutex::new(subscription)), stopper, lookout })
    }

    /// The next changes. To be asked for again once they are there.
    #[napi(catch_unwind, ts_return_type = "Promise<NetlinkChanges>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let subscription = Arc::clone(&self.subscription);
        let held = self.lookout.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lookout = held.map_or_else(Lookout::shared, Ok).or_throw(env)?;
        owed(env, |debt| {
            lookout.next(subscription, move |changes| debt.pay(changes.map(NetlinkChanges::from)));
            Ok(())
        })
    }

    /// Ends it.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.stopper.stop();
        self.lookout.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for NetlinkSubscription {
    /// A Worker that ends, or a subscription that is forgotten, must not leave a thread waiting.
    fn drop(&mut self) {
        self.stopper.stop();
    }
}
