//! Netlink requests.

use std::sync::Arc;

use napi::bindgen_prelude::{BufferSlice, Object, Uint8ArraySlice, Uint32ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::netlink::{self, Reply};

use crate::error::OrThrow;
use crate::handed::Handed;
use crate::promise::{Place, promise};
use crate::reply::{Answer, AnswerHere, answer, answer_here};
use crate::slot::client;

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
