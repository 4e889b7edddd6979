//! Handles as numbers. Most are opened, entered and closed again: an object with a finaliser of its own, which costs as
//! much as opening the namespace, is made only for those that more is asked of.

use std::cell::RefCell;

use napi::Result;
use netns_core::NetNs;

use crate::error::closed;
use crate::realm::Realm;

/// The numbers of one JavaScript thread.
#[derive(Default)]
pub struct Slots(RefCell<Table>);

#[derive(Default)]
struct Table {
    taken: Vec<Option<NetNs>>,
    free: Vec<u32>,
}

impl Table {
    fn release(&mut self, slot: u32) -> Result<NetNs> {
        let namespace = self.taken.get_mut(slot as usize).and_then(Option::take).ok_or_else(closed)?;
        self.free.push(slot);
        Ok(namespace)
    }
}

impl Slots {
    /// The number that JavaScript has to give back, to [`close`](Self::close).
    pub fn keep(&self, namespace: NetNs) -> u32 {
        let table = &mut *self.0.borrow_mut();
        if let Some(slot) = table.free.pop() {
            table.taken[slot as usize] = Some(namespace);
            return slot;
        }
        table.taken.push(Some(namespace));
        u32::try_from(table.taken.len() - 1).unwrap_or_default()
    }

    /// What is kept under a number.
    pub fn kept(&self, slot: u32) -> Result<NetNs> {
        self.0.borrow().taken.get(slot as usize).cloned().flatten().ok_or_else(closed)
    }

    /// Lets go of the namespace; the number will be used again.
    pub fn close(&self, slot: u32) -> Result<()> {
        // Bound first, so that nothing is borrowed while it is dropped.
        let namespace = self.0.borrow_mut().release(slot)?;
        drop(namespace);
        Ok(())
    }
}

/// Keeps it under a number of the calling thread's.
pub fn keep(namespace: NetNs) -> u32 {
    Realm::here().slots.keep(namespace)
}

/// What is kept under a number of the calling thread's.
pub fn kept(slot: u32) -> Result<NetNs> {
    Realm::here().slots.kept(slot)
}
