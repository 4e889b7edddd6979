//! What is called often: functions without arguments. To take one over costs, so what they are given lies in memory that is
//! shared with JavaScript, which writes it there right before the call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::{
    Function, FunctionRef, JsObjectValue, JsValue, Object, ObjectRef, Uint8Array, Uint32Array, Unknown, panic_to_error,
};
use napi::{Env, Error, Result, Status, sys};
use napi_derive::napi;

use crate::realm::Realm;
use crate::{registry, thread};

/// The functions, for one environment.
#[napi(object, object_from_js = false)]
pub struct Often<'env> {
    /// What they are given: what the first caller in this environment offered, as others share its memory.
    #[napi(ts_type = "{ number: Uint32Array, letters: Uint8Array, callback: () => unknown, call: () => unknown }")]
    pub given: Object<'env>,
    /// Calls back with the thread inside what the slot `number` holds. What the callback returns or throws passes through
    /// after the thread is back.
    #[napi(ts_type = "() => unknown")]
    pub run_inside: Function<'env, (), Unknown<'env>>,
    /// As `runInside`, for a callback that opens a socket and returns its number, or a negative one if it opened none:
    /// 1 if it belongs to the namespace, 0 if not, `undefined` if there is none.
    #[napi(ts_type = "() => number | undefined")]
    pub open_inside: Function<'env, (), Option<u32>>,
    /// Opens the name that the first `number` letters are, in iproute2's directory, as the number of a slot.
    #[napi(ts_type = "() => number")]
    pub open_name: Function<'env, (), u32>,
    /// Lets go of what the slot `number` holds; the number will be used again.
    #[napi(ts_type = "() => void")]
    pub close_slot: Function<'env, (), ()>,
}

/// What the functions are given in one environment.
pub struct Given {
    object: ObjectRef<false>,
    number: Uint32Array,
    letters: Uint8Array,
    run: FunctionRef<(), Unknown<'static>>,
    open: FunctionRef<(), i32>,
}

impl Given {
    /// As JavaScript offers it.
    pub fn of(object: &Object<'_>) -> Result<Self> {
        Ok(Self {
            object: object.create_ref()?,
            number: object.get_named_property("number")?,
            letters: object.get_named_property("letters")?,
            run: object.get_named_property("call")?,
            open: object.get_named_property("call")?,
        })
    }

    fn number(&self) -> u32 {
        self.number.first().copied().unwrap_or(u32::MAX)
    }
}

/// Makes them.
#[napi(
    catch_unwind,
    ts_args_type = "given: { number: Uint32Array, letters: Uint8Array, callback: () => unknown, call: () => unknown }"
)]
pub fn often<'env>(env: &'env Env, given: Object<'env>) -> Result<Often<'env>> {
    Ok(Often {
        given: Realm::of(env)?.given(&given)?.object.get_value(env)?,
        run_inside: env.create_function("runInside", run_inside)?,
        open_inside: env.create_function("openInside", open_inside)?,
        open_name: env.create_function("openName", open_name)?,
        close_slot: env.create_function("closeSlot", close_slot)?,
    })
}

extern "C" fn run_inside(env: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    answer(env, |env, realm, given| {
        thread::run_inside(env, realm, given.number(), &given.run.borrow_back(env)?).map(|value| value.raw())
    })
}

extern "C" fn open_inside(env: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    answer(env, |env, realm, given| {
        match thread::open_inside(env, realm, given.number(), &given.open.borrow_back(env)?)? {
            Some(owned) => Ok(env.create_uint32(owned.into())?.raw()),
            None => Ok(ptr::null_mut()),
        }
    })
}

extern "C" fn open_name(env: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    answer(env, |env, realm, given| {
        let slot = registry::open_spelled(env, realm, &given.letters, given.number())?;
        Ok(env.create_uint32(slot)?.raw())
    })
}

extern "C" fn close_slot(env: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    answer(env, |_env, realm, given| {
        realm.slots.close(given.number())?;
        Ok(ptr::null_mut())
    })
}

/// What `call` returns, or throws what it fails with, unless that was thrown already; a panic becomes an error.
#[inline]
fn answer(env: sys::napi_env, call: impl FnOnce(&Env, &Realm, &Given) -> Result<sys::napi_value>) -> sys::napi_value {
    let env = Env::from(env);
    let called = catch_unwind(AssertUnwindSafe(|| {
        let realm = Realm::of(&env)?;
        let given = realm.known().ok_or_else(|| Error::from_reason("nothing was given"))?;
        call(&env, &realm, given)
    }));
    match called {
        Ok(Ok(value)) => value,
        Ok(Err(error)) if error.status == Status::PendingException => ptr::null_mut(),
        Ok(Err(error)) => throw(&env, error),
        Err(panic) => throw(&env, panic_to_error(panic)),
    }
}

#[cold]
fn throw(env: &Env, error: Error) -> sys::napi_value {
    // It fails only where nothing can be thrown any more: in a thread that is being ended.
    let _ended = env.throw(error);
    ptr::null_mut()
}
