//! Handles as numbers. Most are opened, entered and closed again: an object with a finaliser of its own, which costs as
//! much as opening the namespace, is made only for those that more is asked of.

use std::cell::RefCell;

use napi::Result;
use netns_core::NetNs;

use crate::error::closed;

thread_local! {
    /// Each JavaScript thread has its own; a Worker that ends takes them along.
    static SLOTS: RefCell<Slots> = const { RefCell::new(Slots { taken: Vec::new(), free: Vec::new() }) };
}

struct Slots {
    taken: Vec<Option<NetNs>>,
    free: Vec<u32>,
}

/// The number that JavaScript has to give back, to [`close`].
pub fn keep(namespace: NetNs) -> u32 {
    SLOTS.with_borrow_mut(|slots| {
        if let Some(slot) = slots.free.pop() {
            slots.taken[slot as usize] = Some(namespace);
            return slot;
        }
        slots.taken.push(Some(namespace));
        u32::try_from(slots.taken.len() - 1).unwrap_or_default()
    })
}

/// What is kept under a number.
pub fn kept(slot: u32) -> Result<NetNs> {
    SLOTS.with_borrow(|slots| slots.taken.get(slot as usize).cloned().flatten().ok_or_else(closed))
}

/// Lets go of the namespace; the number will be used again.
pub fn close(slot: u32) -> Result<()> {
    let namespace = SLOTS.with_borrow_mut(|slots| {
        let namespace = slots.taken.get_mut(slot as usize).and_then(Option::take).ok_or_else(closed)?;
        slots.free.push(slot);
        Ok(namespace)
    });
    namespace.map(drop)
}
