//! Netlink requests, replies and events; kernel settings.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, Either, Object, ToNapiValue, Uint8ArraySlice, Uint32Array, Uint32ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::netlink::{self, Changes, Client, Errand, Lookout, Refusal, Reply, Subscription};
use netns_core::{Stopper, Tun};

use crate::error::OrThrow;
use crate::handed::Handed;
use crate::handle::Handle;
use crate::promise::{Place, owed, promise};
use crate::slot::client;

/// What the kernel refused.
#[napi(object, object_from_js = false)]
pub struct NetlinkRefusal {
    /// Which message.
    pub item: u32,
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

impl From<Refusal> for NetlinkRefusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            item: u32::try_from(refusal.item).unwrap_or(u32::MAX),
            code: format!("{:?}", refusal.errno),
            errno: -(refusal.errno as i32),
            meaning: refusal.errno.desc().into(),
            text: refusal.text,
        }
    }
}

fn answer(reply: Reply) -> Answer {
    last_answer(reply, 1)
}

fn last_answer(reply: Reply, sent: usize) -> Answer {
    if reply.refusals.is_empty() && !reply.interrupted {
        return Either::A(reply.data.into());
    }
    Either::B(NetlinkReply {
        data: reply.data.into(),
        refusals: reply.refusals.into_iter().map(NetlinkRefusal::from).collect(),
        interrupted: reply.interrupted,
        sent: u32::try_from(sent).unwrap_or(u32::MAX),
    })
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
    let client = client(slot)?;
    let errand = client.errand();
    promise(env, Place::Crew, move || {
        let _under_way = errand;
        work(&client)
    })
}

/// The same on this thread, after all that other threads were given to do for this namespace.
fn here<T>(env: &Env, slot: u32, work: impl FnOnce(&Client) -> netns_core::Result<T>) -> Result<T> {
    let client = client(slot)?;
    client.settle();
    work(&client).or_throw(env)
}

/// Sends messages and collects the answers; if `ordered`, after those of all ordered requests before.
#[napi(catch_unwind, ts_return_type = "Promise<Buffer | NetlinkReply>")]
pub fn netlink_exchange<'env>(
    env: &'env Env,
    slot: u32,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
    ordered: bool,
) -> Result<Object<'env>> {
    let client = client(slot)?;
    let handed = Handed::over(&plan, &bytes, &names)?;
    let place = if ordered { Place::Lane(Arc::clone(client.lane())) } else { Place::Crew };
    let errands = (client.errand(), handed.errands());
    promise(env, place, move || {
        let _under_way = errands;
        let (protocol, request) = handed.whole()?;
        client.exchange(protocol, request).map(answer)
    })
}

/// The same on this thread.
#[napi(catch_unwind, ts_return_type = "Buffer | NetlinkReply")]
pub fn netlink_exchange_sync(
    env: &Env,
    slot: u32,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Answer> {
    let handed = Handed::over(&plan, &bytes, &names)?;
    handed.settle();
    here(env, slot, |client| {
        let (protocol, request) = handed.whole()?;
        client.exchange(protocol, request).map(answer)
    })
}

/// Parts of a request, one after the other, each to a namespace of its own, until one is refused something.
struct Steps {
    handed: Handed,
    /// And where its part ends.
    clients: Vec<(Arc<Client>, usize)>,
}

impl Steps {
    fn of(steps: &[u32], handed: Handed) -> Result<Self> {
        let (steps, _) = steps.as_chunks::<2>();
        let clients = steps.iter().map(|&[slot, end]| Ok((client(slot)?, end as usize))).collect::<Result<_>>()?;
        Ok(Self { handed, clients })
    }

    fn errands(&self) -> Vec<Errand> {
        let mut errands = self.handed.errands();
        errands.extend(self.clients.iter().map(|(client, _)| client.errand()));
        errands
    }

    fn settle(&self) {
        self.handed.settle();
        for (client, _) in &self.clients {
            client.settle();
        }
    }

    fn take(self) -> netns_core::Result<Answer> {
        let mut start = 0;
        let mut steps = Vec::with_capacity(self.clients.len());
        for (client, end) in self.clients {
            steps.push((client, self.handed.protocol(), self.handed.part(&(start..end))?));
            start = end;
        }
        let mut replies = netlink::in_order(steps)?;
        let sent = replies.len();
        Ok(last_answer(replies.pop().unwrap_or_default(), sent))
    }
}

/// Sends parts of a request one after the other, until one is refused something. `steps` has two numbers for each: the
/// slot of its namespace, and where it ends.
#[napi(catch_unwind, ts_return_type = "Promise<Buffer | NetlinkReply>")]
pub fn netlink_in_order<'env>(
    env: &'env Env,
    steps: Uint32ArraySlice<'_>,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Object<'env>> {
    let steps = Steps::of(&steps, Handed::over(&plan, &bytes, &names)?)?;
    let errands = steps.errands();
    promise(env, Place::Crew, move || {
        let _under_way = errands;
        steps.take()
    })
}

/// The same on this thread.
#[napi(catch_unwind, ts_return_type = "Buffer | NetlinkReply")]
pub fn netlink_in_order_sync(
    env: &Env,
    steps: Uint32ArraySlice<'_>,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Answer> {
    let steps = Steps::of(&steps, Handed::over(&plan, &bytes, &names)?)?;
    steps.settle();
    steps.take().or_throw(env)
}

/// Sends messages, each of which asks for everything there is of one sort, one after the other; an answer to each.
#[napi(catch_unwind, ts_return_type = "Promise<(Buffer | NetlinkReply)[]>")]
pub fn netlink_dump<'env>(
    env: &'env Env,
    slot: u32,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Object<'env>> {
    let handed = Handed::over(&plan, &bytes, &names)?;
    off(env, slot, |client| dump(client, handed))
}

/// The same on this thread.
#[napi(catch_unwind, ts_return_type = "(Buffer | NetlinkReply)[]")]
pub fn netlink_dump_sync(
    env: &Env,
    slot: u32,
    plan: Uint32ArraySlice<'_>,
    bytes: Uint8ArraySlice<'_>,
    names: String,
) -> Result<Vec<Answer>> {
    let handed = Handed::over(&plan, &bytes, &names)?;
    here(env, slot, |client| dump(client, handed))
}

fn dump(client: &Client, handed: Handed) -> netns_core::Result<Vec<Answer>> {
    let (protocol, request) = handed.whole()?;
    Ok(client.dump(protocol, request)?.into_iter().map(answer).collect())
}

/// Waits until nothing is with another thread any more that was asked of a namespace.
#[napi(catch_unwind)]
pub fn netlink_settle(slot: u32) -> Result<()> {
    client(slot)?.settle();
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
