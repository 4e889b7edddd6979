//! What native code keeps for one environment of Node-API, which takes it along when it ends: for a thread, as a rule, but in
//! Electron each frame with Node has one, on the thread of them all.

use std::cell::{OnceCell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use napi::bindgen_prelude::Object;
use napi::{Env, Result, sys};
use netns_core::{Anchor, NetNs, crew};

use crate::error::OrThrow;
use crate::often::Given;
use crate::slot::Slots;

thread_local! {
    /// One for each environment on this thread.
    static REALMS: RefCell<Vec<Rc<Realm>>> = RefCell::default();
    /// Where the thread belongs, found out at its first section: sections nest, whichever environment they are of.
    static ANCHOR: Rc<OnceCell<Anchor>> = Rc::default();
}

pub struct Realm {
    /// Whose it is. Only compared.
    env: sys::napi_env,
    pub slots: Slots,
    /// What is given to the functions that are called often. Dropped only while Node still knows its values.
    given: OnceCell<ManuallyDrop<Given>>,
    anchor: Rc<OnceCell<Anchor>>,
}

impl Realm {
    /// The environment's.
    ///
    /// # Errors
    /// If Node is not there any more to tell of the environment's end.
    #[inline]
    pub fn of(env: &Env) -> Result<Rc<Self>> {
        let raw = env.raw();
        let known = REALMS.with_borrow(|realms| realms.iter().find(|realm| realm.env == raw).map(Rc::clone));
        known.map_or_else(|| Self::begin(env), Ok)
    }

    #[cold]
    fn begin(env: &Env) -> Result<Rc<Self>> {
        let raw = env.raw();
        env.add_env_cleanup_hook((), move |()| Self::end(raw))?;
        let anchor = ANCHOR.with(Rc::clone);
        let realm = Rc::new(Self { env: raw, slots: Slots::default(), given: OnceCell::new(), anchor });
        REALMS.with_borrow_mut(|realms| realms.push(Rc::clone(&realm)));
        Ok(realm)
    }

    /// Node calls this while it still takes values back; where the process ends at once, never.
    fn end(env: sys::napi_env) {
        let ended = REALMS.with_borrow_mut(|realms| {
            let place = realms.iter().position(|realm| realm.env == env)?;
            Some(realms.swap_remove(place))
        });
        // Where one of its own calls is what ends it, that call has it, and by the time that it returns Node knows the
        // values no more.
        if let Some(realm) = ended.and_then(Rc::into_inner) {
            drop(realm.given.into_inner().map(ManuallyDrop::into_inner));
        }
    }

    /// What is given here. The first `offered` is kept, as others of this environment share its memory.
    pub fn given(&self, offered: &Object<'_>) -> Result<&Given> {
        if let Some(given) = self.known() {
            return Ok(given);
        }
        let given = ManuallyDrop::new(Given::of(offered)?);
        Ok(self.given.get_or_init(|| given))
    }

    /// What was given here, if anything was.
    pub fn known(&self) -> Option<&Given> {
        self.given.get().map(|given| &**given)
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
