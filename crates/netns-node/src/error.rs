//! Errors cross as records; TypeScript makes the one error class of them.

use napi::bindgen_prelude::{JsValue, Object};
use napi::{Env, Error, Result, Status};

/// Throws a core error as a record `{ code, errno, syscall, path, message }`: an `Error`, marked so that it cannot be taken
/// for one of the user's. What is returned says that it was thrown, so nothing may be asked of JavaScript any more.
///
/// It is not left to napi-rs, which makes text of an error first and calls JavaScript for that: at the end of the stack
/// that fails, and it does the same with the failure, for ever; in a thread that is being ended it loses the end.
#[cold]
pub fn thrown(env: &Env, error: &netns_core::Error) -> Error {
    let thrown = record(env, error).and_then(|record| env.throw(record));
    thrown.err().unwrap_or_else(|| Error::new(Status::PendingException, String::new()))
}

/// The same record, for a promise to be rejected with.
#[cold]
pub fn rejection(env: &Env, error: &netns_core::Error) -> Error {
    record(env, error).map_or_else(|failure| failure, |record| Error::from(record.to_unknown()))
}

fn record<'env>(env: &'env Env, error: &netns_core::Error) -> Result<Object<'env>> {
    let mut record = env.create_error(Error::from_reason(error.to_string()))?;
    record.set("netnsRecord", true)?;
    record.set("code", error.code())?;
    if let Some(errno) = error.errno() {
        // Node's convention: libuv's negative numbers.
        record.set("errno", -(errno as i32))?;
    }
    if let Some(syscall) = error.syscall() {
        record.set("syscall", syscall)?;
    }
    if let Some(path) = error.path() {
        record.set("path", path.to_string_lossy().into_owned())?;
    }
    Ok(record)
}

/// What a call on a closed handle throws.
pub fn closed() -> Error {
    Error::from_reason("the handle is closed")
}

/// Converts the error of a core result where a JavaScript environment is at hand.
pub trait OrThrow<T> {
    /// The value, or the error as a record to throw.
    fn or_throw(self, env: &Env) -> Result<T>;
}

impl<T> OrThrow<T> for netns_core::Result<T> {
    #[inline]
    fn or_throw(self, env: &Env) -> Result<T> {
        self.map_err(|error| thrown(env, &error))
    }
}
