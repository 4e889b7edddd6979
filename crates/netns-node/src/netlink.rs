//! Netlink requests, replies and events; kernel settings.

use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, ClassInstance, Object, Uint8ArraySlice, Uint32Array, Uint32ArraySlice};
use napi::{Env, Error, Result};
use napi_derive::napi;
use netns_core::netlink::{
    self, Acknowledge, Changes, LinkName, Lookout, Protocol, Refusal, Reply, Request, Subscription,
};
use netns_core::{NetNs, Stopper, Tun};

use crate::error::OrThrow;
use crate::handle::Handle;
use crate::promise::{Place, owed, promise};

/// One or more messages, and what native code fills in when it sends them.
#[napi(object, object_to_js = false)]
pub struct NetlinkRequest<'env> {
    /// `NETLINK_ROUTE`, `NETLINK_NETFILTER` or `NETLINK_GENERIC`.
    pub protocol: u32,
    /// The messages, and room behind them.
    pub bytes: Uint8ArraySlice<'env>,
    /// How many bytes the messages take.
    pub length: u32,
    /// Whether one acknowledgement stands for many messages.
    pub acknowledge_last: bool,
    /// What is filled in, three numbers for each: its sort, its offset, its place in `names` or `namespaces`. The sort
    /// is 0 for the index of a link, 1 for that of its other end, 2 for the descriptor of a namespace.
    pub blanks: Uint32ArraySlice<'env>,
    /// How many numbers those are.
    pub blank_count: u32,
    /// Links, each once, as each string costs a crossing.
    pub names: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<ClassInstance<'env, Handle>>,
}

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

/// What came back.
#[napi(object, object_from_js = false)]
pub struct NetlinkReply {
    /// Messages.
    pub data: Buffer,
    /// What was refused.
    pub refusals: Vec<NetlinkRefusal>,
    /// The dump was interrupted at every try.
    pub interrupted: bool,
}

/// What came back to the last of several requests that was sent.
#[napi(object, object_from_js = false)]
pub struct NetlinkLast {
    /// How many requests were sent.
    pub sent: u32,
    /// Messages.
    pub data: Buffer,
    /// What was refused.
    pub refusals: Vec<NetlinkRefusal>,
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

impl From<Reply> for NetlinkReply {
    fn from(reply: Reply) -> Self {
        let refusals = reply.refusals.into_iter().map(NetlinkRefusal::from).collect();
        Self { data: reply.data.into(), refusals, interrupted: reply.interrupted }
    }
}

impl From<Changes> for NetlinkChanges {
    fn from(changes: Changes) -> Self {
        Self { data: changes.data.into(), overflow: changes.overflow, stopped: changes.stopped }
    }
}

/// A request as it was handed over: what takes longer the more messages there are is left to the thread that sends it.
struct Handed {
    protocol: Protocol,
    bytes: Vec<u8>,
    acknowledge: Acknowledge,
    blanks: Vec<u32>,
    names: Vec<String>,
    namespaces: Vec<NetNs>,
}

fn start_of<T: Copy>(items: &[T], count: u32) -> Vec<T> {
    items[..items.len().min(count as usize)].to_vec()
}

impl Handed {
    fn over(request: NetlinkRequest<'_>) -> Result<Self> {
        let protocol = match request.protocol {
            0 => Protocol::Route,
            12 => Protocol::Netfilter,
            16 => Protocol::Generic,
            other => return Err(Error::from_reason(format!("there is no netlink protocol {other} here"))),
        };
        Ok(Self {
            protocol,
            bytes: start_of(&request.bytes, request.length),
            acknowledge: if request.acknowledge_last { Acknowledge::Last } else { Acknowledge::Flagged },
            blanks: start_of(&request.blanks, request.blank_count),
            names: request.names,
            namespaces: request.namespaces.iter().map(|handle| handle.namespace()).collect::<Result<_>>()?,
        })
    }

    fn converted(mut self) -> netns_core::Result<(Protocol, Request)> {
        let bytes = mem::take(&mut self.bytes);
        let whole = 0..bytes.len();
        Ok((self.protocol, self.request(bytes, &whole)?))
    }

    /// The messages in one part of the bytes, as a request of their own.
    fn part(&self, range: &Range<usize>) -> netns_core::Result<Request> {
        self.request(self.bytes.get(range.clone()).unwrap_or_default().to_vec(), range)
    }

    fn request(&self, bytes: Vec<u8>, range: &Range<usize>) -> netns_core::Result<Request> {
        let mut request = Request::new(bytes)?.acknowledging(self.acknowledge);
        let mut blanks = Vec::with_capacity(self.blanks.len() / 3);
        for blank in self.blanks.chunks_exact(3) {
            let (sort, offset, place) = (blank[0], blank[1] as usize, blank[2] as usize);
            if !range.contains(&offset) {
                continue;
            }
            let offset = offset - range.start;
            if sort < 2 {
                blanks.push((offset, 2 * place + sort as usize));
            } else if let Some(namespace) = self.namespaces.get(place) {
                request = request.with_namespace(offset, namespace.clone());
            }
        }
        // Each name stands for two links: itself, and its other end.
        let links = self.names.iter().flat_map(|name| [LinkName::Of(name.clone()), LinkName::PeerOf(name.clone())]);
        Ok(request.with_links(links, blanks))
    }
}

/// Sends messages and collects the answers; if `ordered`, after those of all ordered requests before.
#[napi(catch_unwind, ts_return_type = "Promise<NetlinkReply>")]
pub fn netlink_exchange<'env>(
    env: &'env Env,
    handle: &Handle,
    request: NetlinkRequest<'_>,
    ordered: bool,
) -> Result<Object<'env>> {
    let client = handle.client()?;
    let handed = Handed::over(request)?;
    let place = if ordered { Place::Lane(Arc::clone(client.lane())) } else { Place::Crew };
    promise(env, place, move || {
        let (protocol, request) = handed.converted()?;
        client.exchange(protocol, request).map(NetlinkReply::from)
    })
}

/// Sends parts of a request one after the other, each to a namespace of its own, until one is refused something. `ends` are
/// where the parts end.
#[napi(catch_unwind, ts_return_type = "Promise<NetlinkLast>")]
pub fn netlink_in_order<'env>(
    env: &'env Env,
    handles: Vec<ClassInstance<'_, Handle>>,
    ends: Vec<u32>,
    request: NetlinkRequest<'_>,
) -> Result<Object<'env>> {
    let clients = handles.iter().map(|handle| handle.client()).collect::<Result<Vec<_>>>()?;
    let handed = Handed::over(request)?;
    promise(env, Place::Crew, move || {
        let mut start = 0;
        let mut steps = Vec::with_capacity(clients.len());
        for (client, end) in clients.into_iter().zip(ends) {
            let end = end as usize;
            steps.push((client, handed.protocol, handed.part(&(start..end))?));
            start = end;
        }
        let mut replies = netlink::in_order(steps)?;
        let sent = u32::try_from(replies.len()).unwrap_or(u32::MAX);
        let NetlinkReply { data, refusals, .. } = replies.pop().unwrap_or_default().into();
        Ok(NetlinkLast { sent, data, refusals })
    })
}

/// Sends messages that the kernel answers without waiting for anyone, and collects the answers.
#[napi(catch_unwind)]
pub fn netlink_exchange_sync(env: &Env, handle: &Handle, request: NetlinkRequest<'_>) -> Result<NetlinkReply> {
    let client = handle.client()?;
    let (protocol, request) = Handed::over(request)?.converted().or_throw(env)?;
    client.exchange(protocol, request).map(NetlinkReply::from).or_throw(env)
}

/// Sends messages, each of which asks for everything there is of one sort, one after the other.
#[napi(catch_unwind, ts_return_type = "Promise<NetlinkReply[]>")]
pub fn netlink_dump<'env>(env: &'env Env, handle: &Handle, requests: Vec<NetlinkRequest<'_>>) -> Result<Object<'env>> {
    let client = handle.client()?;
    let requests = requests.into_iter().map(Handed::over).collect::<Result<Vec<_>>>()?;
    promise(env, Place::Crew, move || {
        let replies = requests.into_iter().map(|handed| {
            let (protocol, request) = handed.converted()?;
            client.dump(protocol, request).map(NetlinkReply::from)
        });
        replies.collect::<netns_core::Result<Vec<_>>>()
    })
}

/// As [`netlink_dump`], on this thread, for what the kernel has at hand.
#[napi(catch_unwind)]
pub fn netlink_dump_sync(env: &Env, handle: &Handle, request: NetlinkRequest<'_>) -> Result<NetlinkReply> {
    let client = handle.client()?;
    let (protocol, request) = Handed::over(request)?.converted().or_throw(env)?;
    client.dump(protocol, request).map(NetlinkReply::from).or_throw(env)
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
pub fn read_sysctl<'env>(env: &'env Env, handle: &Handle, name: String) -> Result<Object<'env>> {
    let namespace = handle.namespace()?;
    promise(env, Place::Crew, move || namespace.sysctl(&name))
}

/// Writes a kernel setting.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn write_sysctl<'env>(env: &'env Env, handle: &Handle, name: String, value: String) -> Result<Object<'env>> {
    let namespace = handle.namespace()?;
    promise(env, Place::Crew, move || namespace.set_sysctl(&name, &value))
}

/// Makes a tun or tap link.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn create_tun<'env>(
    env: &'env Env,
    handle: &Handle,
    name: String,
    tap: bool,
    multi_queue: bool,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<Object<'env>> {
    let namespace = handle.namespace()?;
    let tun = Tun { name, tap, multi_queue, owner, group };
    promise(env, Place::Crew, move || namespace.create_tun(&tun))
}
