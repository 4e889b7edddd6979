//! Netlink requests, replies and events; kernel settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{
    Buffer, BufferSlice, Either, Either3, Object, ToNapiValue, Uint8ArraySlice, Uint32Array, Uint32ArraySlice,
};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::netlink::{self, Changes, Client, Lookout, Refusal, Reply, Subscription};
use netns_core::{Stopper, Tun};

use crate::error::OrThrow;
use crate::handed::Handed;
use crate::handle::Handle;
use crate::promise::{Place, owed, promise};
use crate::slot::client;

/// What the kernel refused, of all messages that it refused for the same reason: an object for each of many would keep the
/// JavaScript thread for longer than a turn may take.
#[napi(object, object_from_js = false)]
pub struct NetlinkRefusal {
    /// Which messages.
    pub items: Vec<u32>,
    /// The errno's name.
    pub code: String,
    /// The errno.
    pub errno: i32,
    /// What the errno means.
    pub meaning: String,
    /// The kernel's explanation.
    pub text: Option<String>,
}

/// What came back, if the messages that answer are not all of it.
#[napi(object, object_from_js = false)]
pub struct NetlinkReply {
    /// The messages.
    pub data: Buffer,
    /// What was refused.
    pub refusals: Vec<NetlinkRefusal>,
    /// The dump was interrupted at every try.
    pub interrupted: bool,
    /// Of several requests in order: how many were sent. The last of them is the one that this answers.
    pub sent: u32,
}

/// The messages that answer, alone if everything went well.
type Answer = Either<Buffer, NetlinkReply>;
/// How many of the caller's bytes the messages take; by themselves if there is no room for them.
type AnswerHere = Either3<u32, Buffer, NetlinkReply>;

/// Behind the messages in the caller's room, where older ones may be, there are at least so many zeros: more than the
/// header of any message.
const GAP: usize = 32;

impl NetlinkReply {
    fn of(reply: Reply, sent: usize) -> Self {
        Self {
            data: reply.data.into(),
            refusals: by_reason(reply.refusals),
            interrupted: reply.interrupted,
            sent: u32::try_from(sent).unwrap_or(u32::MAX),
        }
    }
}

fn went_well(reply: &Reply) -> bool {
    reply.refusals.is_empty() && !reply.interrupted
}

fn answer(reply: Reply, sent: usize) -> Answer {
    if went_well(&reply) { Either::A(reply.data.into()) } else { Either::B(NetlinkReply::of(reply, sent)) }
}

fn answer_here(reply: Reply, sent: usize, room: &mut [u8]) -> AnswerHere {
    if !went_well(&reply) {
        return Either3::C(NetlinkReply::of(reply, sent));
    }
    let length = reply.data.len();
    let Some((place, gap)) = room.get_mut(..length + GAP).and_then(|room| room.split_at_mut_checked(length)) else {
        return Either3::B(reply.data.into());
    };
    place.copy_from_slice(&reply.data);
    gap.fill(0);
    Either3::A(u32::try_from(length).unwrap_or(u32::MAX))
}

/// What changed.
#[napi(object, object_from_js = false)]
pub struct NetlinkChanges {
    /// Messages.
    pub data: Buffer,
    /// Something was missed.
    pub overflow: bool,
    /// The subscription has ended.
    pub stopped: bool,
}

impl NetlinkRefusal {
    fn of(refusal: Refusal, items: Vec<u32>) -> Self {
        Self {
            items,
            code: format!("{:?}", refusal.errno),
            errno: -(refusal.errno as i32),
            meaning: refusal.errno.desc().into(),
            text: refusal.text,
        }
    }
}

/// The reason of the first refusal comes first.
fn by_reason(refusals: Vec<Refusal>) -> Vec<NetlinkRefusal> {
    let mut places = HashMap::new();
    let mut reasons: Vec<(Refusal, Vec<u32>)> = Vec::new();
    for refusal in refusals {
        let item = u32::try_from(refusal.item).unwrap_or(u32::MAX);
        let place = *places.entry((refusal.errno as i32, refusal.text.clone())).or_insert(reasons.len());
        match reasons.get_mut(place) {
            Some((_, items)) => items.push(item),
            None => reasons.push((refusal, vec![item])),
        }
    }
    reasons.into_iter().map(|(refusal, items)| NetlinkRefusal::of(refusal, items)).collect()
}

impl From<Changes> for NetlinkChanges {
    fn from(changes: Changes) -> Self {
        Self { data: changes.data.into(), overflow: changes.overflow, stopped: changes.stopped }
    }
}

/// Works on a namespace off this thread. What is asked for on this thread meanwhile waits for it.
fn off<T: ToNapiValue + Send + 'static>(
    env: &Env,
    slot: u32,
    work: impl FnOnce(&Client) -> netns_core::Result<T> + Send + 'static,
) -> Result<Object<'_>> {
    let client = client(env, slot)?;
    let errand = client.errand();
    promise(env, Place::Crew, move || {
        let _under_way = errand;
        work(&client)
    })
}

/// The same on this thread, after all that other threads were given to do for this namespace.
fn here<T>(env: &Env, slot: u32, work: impl FnOnce(&Client) -> netns_core::Result<T>) -> Result<T> {
    let client = client(env, slot)?;
    client.settle();
    work(&client).or_throw(env)
}

/// Sends the messages for each namespace, one namespace after the other, until something is refused; collects the answers
/// of the last one. If `ordered`, that is done after all ordered requests before to the same first namespace.
#[napi(catch_unwind, ts_return_type = "Promise<Buffer | NetlinkReply>")]
pub fn netlink_exchange<'env>(
    env: &'env Env,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
    ordered: bool,
) -> Result<Object<'env>> {
    let handed = Handed::over(env, &plan, &bytes, &names)?;
    let place = if ordered { Place::Lane(Arc::clone(handed.first()?.lane())) } else { Place::Crew };
    let errands = handed.errands();
    promise(env, place, move || {
        let _under_way = errands;
        let (reply, sent) = exchange(handed)?;
        Ok(answer(reply, sent))
    })
}

/// The same on this thread, after all that other threads were given to do for these namespaces. The messages that answer
/// are put into `room`, where there is enough, as to make a buffer takes longer than to ask for a link.
#[napi(catch_unwind, ts_return_type = "number | Buffer | NetlinkReply")]
pub fn netlink_exchange_sync(
    env: &Env,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
    mut room: BufferSlice<'_>,
) -> Result<AnswerHere> {
    let handed = Handed::over(env, &plan, &bytes, &names)?;
    handed.settle();
    let (reply, sent) = exchange(handed).or_throw(env)?;
    Ok(answer_here(reply, sent, &mut room))
}

fn exchange(handed: Handed) -> netns_core::Result<(Reply, usize)> {
    let mut replies = netlink::in_order(handed.steps()?)?;
    let sent = replies.len();
    Ok((replies.pop().unwrap_or_default(), sent))
}

/// Sends messages, each of which asks for everything there is of one sort, one after the other; an answer to each.
#[napi(catch_unwind, ts_return_type = "Promise<(Buffer | NetlinkReply)[]>")]
pub fn netlink_dump<'env>(
    env: &'env Env,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Object<'env>> {
    let handed = Handed::over(env, &plan, &bytes, &names)?;
    let errands = handed.errands();
    promise(env, Place::Crew, move || {
        let _under_way = errands;
        dump(handed)
    })
}

/// The same on this thread.
#[napi(catch_unwind, ts_return_type = "(Buffer | NetlinkReply)[]")]
pub fn netlink_dump_sync(
    env: &Env,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Vec<Answer>> {
    let handed = Handed::over(env, &plan, &bytes, &names)?;
    handed.settle();
    dump(handed).or_throw(env)
}

fn dump(handed: Handed) -> netns_core::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for (client, protocol, request) in handed.steps()? {
        answers.extend(client.dump(protocol, request)?.into_iter().map(|reply| answer(reply, 1)));
    }
    Ok(answers)
}

/// Waits until nothing is with another thread any more that was asked of a namespace.
#[napi(catch_unwind)]
pub fn netlink_settle(env: &Env, slot: u32) -> Result<()> {
    client(env, slot)?.settle();
    Ok(())
}

/// Changes of a namespace's network.
#[napi]
pub struct NetlinkSubscription {
    subscription: Arc<Mutex<Subscription>>,
    stopper: Stopper,
    /// Until it is stopped, so that the thread stays from one wait to the next.
    lookout: Mutex<Option<Arc<Lookout>>>,
}

#[napi]
impl NetlinkSubscription {
    /// Listens from now on.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, handle: &Handle, groups: Uint32Array, room: u32) -> Result<Self> {
        let subscription = Subscription::new(&handle.namespace()?, &groups, room as usize).or_throw(env)?;
        let stopper = subscription.stopper();
        let lookout = Mutex::new(Some(Lookout::shared().or_throw(env)?));
        Ok(Self { subscription: Arc::new(Mutex::new(subscription)), stopper, lookout })
    }

    /// The next changes. To be asked for again once they are there.
    #[napi(catch_unwind, ts_return_type = "Promise<NetlinkChanges>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let subscription = Arc::clone(&self.subscription);
        let held = self.lookout.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lookout = held.map_or_else(Lookout::shared, Ok).or_throw(env)?;
        owed(env, |debt| {
            lookout.next(subscription, move |changes| debt.pay(changes.map(NetlinkChanges::from)));
            Ok(())
        })
    }

    /// Ends it.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.stopper.stop();
        self.lookout.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for NetlinkSubscription {
    /// A Worker that ends, or a subscription that is forgotten, must not leave a thread waiting.
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// Reads a kernel setting.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn read_sysctl(env: &Env, slot: u32, name: String) -> Result<Object<'_>> {
    off(env, slot, move |client| client.namespace().sysctl(&name))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn read_sysctl_sync(env: &Env, slot: u32, name: String) -> Result<String> {
    here(env, slot, |client| client.namespace().sysctl(&name))
}

/// Writes a kernel setting.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn write_sysctl(env: &Env, slot: u32, name: String, value: String) -> Result<Object<'_>> {
    off(env, slot, move |client| client.namespace().set_sysctl(&name, &value))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn write_sysctl_sync(env: &Env, slot: u32, name: String, value: String) -> Result<()> {
    here(env, slot, |client| client.namespace().set_sysctl(&name, &value))
}

/// Makes a tun or tap link.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn create_tun(
    env: &Env,
    slot: u32,
    name: String,
    tap: bool,
    multi_queue: bool,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<Object<'_>> {
    let tun = Tun { name, tap, multi_queue, owner, group };
    off(env, slot, move |client| client.namespace().create_tun(&tun))
}

/// The same on this thread.
#[napi(catch_unwind)]
pub fn create_tun_sync(
    env: &Env,
    slot: u32,
    name: String,
    tap: bool,
    multi_queue: bool,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<()> {
    let tun = Tun { name, tap, multi_queue, owner, group };
    here(env, slot, |client| client.namespace().create_tun(&tun))
}
