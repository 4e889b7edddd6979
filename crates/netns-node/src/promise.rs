//! Promises that a thread of ours settles.

use std::sync::Arc;

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, JsDeferred, Result};
use netns_core::{Error, Lane, crew};

use crate::error::{OrThrow, rejection};

type Resolver<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;

/// Where the work may run.
pub enum Place {
    /// On a member of the crew: it ends soon.
    Crew,
    /// The same, but after all that was submitted to the lane before.
    Lane(Arc<Lane>),
    /// On a thread of its own: it may wait for ever.
    Own,
}

/// Runs `work` off the JavaScript thread; the promise settles with what it returns.
pub fn promise<T: ToNapiValue + Send + 'static>(
    env: &Env,
    place: Place,
    work: impl FnOnce() -> netns_core::Result<T> + Send + 'static,
) -> Result<Object<'_>> {
    owed(env, move |debt| {
        let job = move || debt.pay(work());
        match place {
            Place::Crew => crew::submit(job),
            Place::Lane(lane) => lane.submit(job),
            Place::Own => crew::detach(job),
        }
    })
}

/// A promise whose settling `start` hands to whoever will know with what.
pub fn owed<T: ToNapiValue + Send + 'static>(
    env: &Env,
    start: impl FnOnce(Debt<T>) -> netns_core::Result<()>,
) -> Result<Object<'_>> {
    // If no thread can be had, that is thrown before there is a promise to leave unsettled.
    crew::muster().or_throw(env)?;
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    start(Debt(Some(deferred))).or_throw(env)?;
    Ok(promise)
}

/// A promise owed: a panic or a thread that never started must reject it, or the process would wait for ever.
pub struct Debt<T: ToNapiValue + 'static>(Option<JsDeferred<T, Resolver<T>>>);

impl<T: ToNapiValue + Send + 'static> Debt<T> {
    /// Settles it.
    pub fn pay(mut self, result: netns_core::Result<T>) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(Box::new(move |env| result.map_err(|error| rejection(&env, &error))));
        }
    }
}

impl<T: ToNapiValue + 'static> Drop for Debt<T> {
    fn drop(&mut self) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(Box::new(|env| Err(rejection(&env, &Error::panicked()))));
        }
    }
}
