//! What the kernel says to netlink requests, as JavaScript gets it.

use std::collections::HashMap;

use napi::bindgen_prelude::{Buffer, Either, Either3};
use napi_derive::napi;
use netns_core::netlink::{Refusal, Reply};

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
pub type Answer = Either<Buffer, NetlinkReply>;
/// How many of the caller's bytes the messages take; by themselves if there is no room for them.
pub type AnswerHere = Either3<u32, Buffer, NetlinkReply>;

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

/// As JavaScript gets it; `sent` is how many requests were sent.
pub fn answer(reply: Reply, sent: usize) -> Answer {
    if went_well(&reply) { Either::A(reply.data.into()) } else { Either::B(NetlinkReply::of(reply, sent)) }
}

/// As [`answer`], in `room` if it fits.
pub fn answer_here(reply: Reply, sent: usize, room: &mut [u8]) -> AnswerHere {
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
