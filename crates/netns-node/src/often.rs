//! What is called often. Functions that are made, unlike those that are exported, keep no book of the objects that a call
//! borrows. These borrow none, and the book takes as long as a system call. A panic becomes an error in both.

use std::rc::Rc;

use napi::bindgen_prelude::{FnArgs, Function, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::realm::Realm;
use crate::registry::open_name;
use crate::thread::{open_inside, run_inside};

/// The functions, for one JavaScript thread.
#[napi(object, object_from_js = false)]
pub struct Often<'env> {
    /// Calls `callback` with the thread inside. What it returns or throws passes through after the thread is back.
    #[napi(ts_type = "(slot: number, callback: () => unknown) => unknown")]
    pub run_inside: Function<'env, FnArgs<(u32, ())>, Unknown<'env>>,
    /// As `runInside`, for a callback that opens a socket and returns its number, or a negative one if it opened none:
    /// whether it belongs to the namespace, or `null` if there is none.
    #[napi(ts_type = "(slot: number, callback: () => number) => boolean | null")]
    pub open_inside: Function<'env, FnArgs<(u32, ())>, Option<bool>>,
    /// Opens a name, in iproute2's directory or another, as the number of a slot.
    #[napi(ts_type = "(name: string, directory?: string) => number")]
    pub open_name: Function<'env, FnArgs<(String, Option<String>)>, u32>,
    /// Lets go of the namespace; the number will be used again.
    #[napi(ts_type = "(slot: number) => void")]
    pub close_slot: Function<'env, u32, ()>,
}

/// Makes them.
#[napi(catch_unwind)]
pub fn often(env: &Env) -> Result<Often<'_>> {
    let realm = Realm::here();
    let (running, connecting) = (Rc::clone(&realm), Rc::clone(&realm));
    let (opening, closing) = (Rc::clone(&realm), realm);
    Ok(Often {
        run_inside: env.create_function_from_closure("runInside", move |call| {
            run_inside(call.env, &running, call.get(0)?, &call.get(1)?)
        })?,
        open_inside: env.create_function_from_closure("openInside", move |call| {
            open_inside(call.env, &connecting, call.get(0)?, &call.get(1)?)
        })?,
        open_name: env.create_function_from_closure("openName", move |call| {
            // To be told that there is none costs as much as another argument.
            let directory = if call.length() > 1 { Some(call.get(1)?) } else { None };
            open_name(call.env, &opening, call.get(0)?, directory)
        })?,
        close_slot: env.create_function_from_closure("closeSlot", move |call| closing.slots.close(call.get(0)?))?,
    })
}
