//! The raw system calls, as an addon of `npm run bench` alone: made in a loop of Rust's, by the JavaScript thread of the very
//! process whose calls through the library they are compared with. Another process is no measure for that one: a call takes
//! the kernel less time where there is a single thread, and a process may run slowly from its start to its end.

#![expect(clippy::needless_pass_by_value, reason = "napi-derive dictates how arguments arrive")]

use std::error::Error;
use std::time::Instant;

use napi::Result;
use napi_derive::napi;

/// The same source as that of the peer that is a process of its own, so that both make the same calls.
#[path = "../../../../crates/netns-core/benches/peers/raw.rs"]
mod raw;

/// One operation, ready to be repeated.
type Operation = Box<dyn FnMut() -> std::result::Result<(), Box<dyn Error>>>;

/// An operation, by the name that the peer has for it.
#[napi]
#[expect(missing_debug_implementations, reason = "a class that exists only for JavaScript")]
pub struct RawCalls(Operation);

#[napi]
impl RawCalls {
    /// Opens what the operation needs.
    ///
    /// # Errors
    /// If there is no such operation, or what it needs cannot be opened.
    #[napi(constructor)]
    pub fn new(operation: String) -> Result<Self> {
        raw::operation(&operation).map(Self).map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    /// Does it `size` times, and tells the nanoseconds that one took.
    #[napi]
    pub fn time(&mut self, size: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..size {
            if let Err(error) = self.0() {
                // The thread may be in another namespace now, where nothing must go on.
                eprintln!("the raw calls failed: {error}");
                std::process::abort();
            }
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(size)
    }
}
