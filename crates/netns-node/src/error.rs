//! Errors cross as records; TypeScript makes the one error class of them.

use napi::bindgen_prelude::JsValue;
use napi::{Env, Error, Result};

/// Throws a core error as a record `{ code, errno, syscall, path, message }`: an `Error`, as napi-rs lets nothing else
/// through, marked so that it cannot be taken for one of the user's.
#[cold]
pub fn thrown(env: &Env, error: &netns_core::Error) -> Error {
    record(env, error).unwrap_or_else(|failure| failure)
}

fn record(env: &Env, error: &netns_core::Error) -> Result<Error> {
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
    Ok(Error::from(record.to_unknown()))
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
