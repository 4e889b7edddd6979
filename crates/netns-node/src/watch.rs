//! Watching names.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::{Event, Registry, Stopper, Watch};

use crate::error::OrThrow;
use crate::promise::{Place, promise};

/// A watch over a directory of names.
#[napi]
pub struct Watcher {
    watch: Arc<Mutex<Watch>>,
    stopper: Stopper,
}

/// A name that came or went.
#[napi(object)]
pub struct NameEvent {
    /// `add` or `delete`.
    pub r#type: String,
    /// The name.
    pub name: String,
}

impl From<Event> for NameEvent {
    fn from(event: Event) -> Self {
        let (kind, name) = match event {
            Event::Add(name) => ("add", name),
            Event::Delete(name) => ("delete", name),
        };
        Self { r#type: kind.into(), name: name.to_string() }
    }
}

#[napi]
impl Watcher {
    /// Watches from now on.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, directory: String) -> Result<Self> {
        let watch = Watch::new(Registry::new(directory)).or_throw(env)?;
        let stopper = watch.stopper();
        Ok(Self { watch: Arc::new(Mutex::new(watch)), stopper })
    }

    /// The next changes; none once it was stopped.
    #[napi(catch_unwind, ts_return_type = "Promise<NameEvent[]>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let watch = Arc::clone(&self.watch);
        promise(env, Place::Own, move || {
            let events = watch.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
            Ok(events.into_iter().map(NameEvent::from).collect::<Vec<_>>())
        })
    }

    /// Ends it.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.stopper.stop();
    }
}

impl Drop for Watcher {
    /// A Worker that ends, or a watch that is forgotten, must not leave a thread waiting.
    fn drop(&mut self) {
        self.stopper.stop();
    }
}
