//! Handles as numbers. Most are opened, entered and closed again: an object with a finaliser of its own, which costs as
//! much as opening the namespace, is made only for those that more is asked of.

use std::cell::RefCell;
use std::sync::Arc;

use napi::{Env, Result};
use netns_core::NetNs;
use netns_core::netlink::Client;

use crate::error::closed;
use crate::realm::Realm;

/// The numbers of one environment.
#[derive(Default)]
pub struct Slots(RefCell<Table>);

#[derive(Default)]
struct Table {
    taken: Vec<Option<Kept>>,
    free: Vec<u32>,
}

struct Kept {
    namespace: NetNs,
    /// Its netlink sockets, from the first request on.
    client: Option<Arc<Client>>,
}

impl Table {
    fn release(&mut self, slot: u32) -> Result<Kept> {
        let kept = self.taken.get_mut(slot as usize).and_then(Option::take).ok_or_else(closed)?;
        self.free.push(slot);
        Ok(kept)
    }
}

impl Slots {
    /// The number that JavaScript has to give back, to [`close`](Self::close).
    pub fn keep(&self, namespace: NetNs) -> u32 {
        let table = &mut *self.0.borrow_mut();
        let kept = Some(Kept { namespace, client: None });
        if let Some(slot) = table.free.pop() {
            table.taken[slot as usize] = kept;
            return slot;
        }
        table.taken.push(kept);
        u32::try_from(table.taken.len() - 1).unwrap_or_default()
    }

    /// What is kept under a number.
    pub fn kept(&self, slot: u32) -> Result<NetNs> {
        let table = self.0.borrow();
        let kept = table.taken.get(slot as usize).and_then(Option::as_ref).ok_or_else(closed)?;
        Ok(kept.namespace.clone())
    }

    /// The sockets that the netlink requests of what is kept under a number share; they close with it.
    pub fn client(&self, slot: u32) -> Result<Arc<Client>> {
        let mut table = self.0.borrow_mut();
        let Kept { namespace, client } =
            table.taken.get_mut(slot as usize).and_then(Option::as_mut).ok_or_else(closed)?;
        Ok(Arc::clone(client.get_or_insert_with(|| Arc::new(Client::new(namespace.clone())))))
    }

    /// Lets go of the namespace; the number will be used again.
    pub fn close(&self, slot: u32) -> Result<()> {
        // Bound first, so that nothing is borrowed while it is dropped.
        let kept = self.0.borrow_mut().release(slot)?;
        drop(kept);
        Ok(())
    }
}

/// Keeps it under a number of the environment's.
pub fn keep(env: &Env, namespace: NetNs) -> Result<u32> {
    Ok(Realm::of(env)?.slots.keep(namespace))
}

/// What is kept under a number of the environment's.
pub fn kept(env: &Env, slot: u32) -> Result<NetNs> {
    Realm::of(env)?.slots.kept(slot)
}

/// The netlink sockets of what is kept under a number of the environment's.
pub fn client(env: &Env, slot: u32) -> Result<Arc<Client>> {
    Realm::of(env)?.slots.client(slot)
}
