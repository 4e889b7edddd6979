//! Netlink in a namespace of its own, with `netlink-packet-route` for the messages. Needs root, as `npm test` has it.

use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};
use netns_core::NetNs;
use netns_core::netlink::{
    Acknowledge, Changes, Client, LinkName, Lookout, Messages, Protocol, Reply, Request, Subscription, in_order,
};
use nix::errno::Errno;

fn bytes(message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len().next_multiple_of(4)];
    message.serialize(&mut bytes);
    bytes
}

fn bridge(name: &str) -> Vec<u8> {
    let mut link = LinkMessage::default();
    link.attributes =
        vec![LinkAttribute::IfName(name.into()), LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)])];
    bytes(RouteNetlinkMessage::NewLink(link), NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
}

fn names(client: &Client) -> Vec<String> {
    let request = Request::new(bytes(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP));
    let replies = client.dump(Protocol::Route, request.expect("whole messages")).expect("a dump");
    let [reply] = replies.try_into().expect("one for each message");
    assert!(reply.refusals.is_empty() && !reply.interrupted);
    Messages::of(&reply.data)
        .filter_map(|message| {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message.ok()?.bytes).ok()?;
            let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) = message.payload else { return None };
            link.attributes.into_iter().find_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name),
                _ => None,
            })
        })
        .collect()
}

fn client() -> (NetNs, Client) {
    let namespace = NetNs::create(true).expect("root");
    (namespace.clone(), Client::new(namespace))
}

#[test]
fn many_messages_are_answered_each_and_a_refused_one_stops_none() {
    let (_, client) = client();
    for acknowledge in [Acknowledge::Flagged, Acknowledge::Last] {
        let prefix = format!("{acknowledge:?}").to_lowercase();
        let batch = ["a", "a", "b", "c", "b"].iter().flat_map(|name| bridge(&format!("{prefix}{name}"))).collect();
        let request = Request::new(batch).expect("whole messages").acknowledging(acknowledge);
        assert_eq!(request.len(), 5);
        let reply = client.exchange(Protocol::Route, request).expect("an answer");
        let refused: Vec<_> = reply.refusals.iter().map(|refusal| (refusal.item, refusal.errno)).collect();
        assert_eq!(refused, [(1, Errno::EEXIST), (4, Errno::EEXIST)]);
        for name in ["a", "b", "c"] {
            assert!(names(&client).contains(&format!("{prefix}{name}")));
        }
    }
}

#[test]
fn a_link_can_be_named_before_it_is_made() {
    let (_, client) = client();
    let mut batch = bridge("late");
    let offset = batch.len() + 20;
    batch.extend(bytes(RouteNetlinkMessage::DelLink(LinkMessage::default()), NLM_F_ACK));
    let request = Request::new(batch.clone()).expect("whole messages").with_link(offset, LinkName::Of("late".into()));
    assert_eq!(client.exchange(Protocol::Route, request).expect("an answer").refusals, []);
    assert_eq!(names(&client), ["lo"]);
    let missing =
        Request::new(batch[offset - 20..].to_vec()).expect("whole messages").with_link(20, LinkName::Of("nope".into()));
    let refusals = client.exchange(Protocol::Route, missing).expect("an answer").refusals;
    assert_eq!(refusals[0].errno, Errno::ENODEV);
    assert_eq!(refusals[0].text.as_deref(), Some("there is no link 'nope'"));
}

/// A link's header without an index, for requests that are filled in.
fn blank(kind: RouteNetlinkMessage) -> Vec<u8> {
    bytes(kind, NLM_F_ACK)
}

#[test]
fn the_other_end_of_a_veth_is_known_where_it_is_echoed_or_not() {
    for echo in [0, NLM_F_ECHO] {
        let ((_, left), (there, right)) = (client(), client());
        let mut peer = LinkMessage::default();
        peer.attributes = vec![LinkAttribute::IfName("b".into()), LinkAttribute::NetNsFd(there.as_fd().as_raw_fd())];
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName("a".into()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        let make = bytes(RouteNetlinkMessage::NewLink(link), NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL | echo);
        let get = || Request::new(blank(RouteNetlinkMessage::GetLink(LinkMessage::default()))).expect("whole");
        let steps = [
            (Arc::new(left), Request::new(make).expect("whole")),
            (Arc::new(right), get().with_link(20, LinkName::PeerOf("a".into()))),
        ];
        let left = Arc::clone(&steps[0].0);
        let last = (left, get().with_link(20, LinkName::Of("a".into())));
        let replies = in_order(steps.into_iter().chain([last]).map(|(c, r)| (c, Protocol::Route, r))).expect("answers");
        assert!(replies.iter().all(|reply| reply.refusals.is_empty()), "{replies:?}");
        let name = |reply: &Reply| {
            let message = Messages::of(&reply.data).next().expect("a message").expect("whole").bytes;
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message).expect("a link");
            let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) = message.payload else { panic!() };
            link.attributes.iter().any(|a| *a == LinkAttribute::IfName("b".into()))
        };
        assert_eq!((name(&replies[1]), name(&replies[2])), (true, false));
    }
}

#[test]
fn a_link_without_another_end_has_none() {
    let (_, client) = client();
    let request = Request::new(blank(RouteNetlinkMessage::GetLink(LinkMessage::default()))).expect("whole");
    let request = request.with_link(20, LinkName::PeerOf("lo".into()));
    let refusals = client.exchange(Protocol::Route, request).expect("an answer").refusals;
    assert_eq!(refusals[0].text.as_deref(), Some("link 'lo' has no other end"));
}

#[test]
fn bytes_that_are_no_messages_are_not_sent() {
    for broken in [vec![1], vec![0; 16], vec![200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(Request::new(broken).err().map(|error| error.code()), Some("ERR_NETNS_PROTOCOL".into()));
    }
}

#[test]
fn a_subscription_tells_of_changes_of_overflow_and_of_its_end() {
    let (namespace, client) = client();
    let mut subscription = Subscription::new(&namespace, &[1], 4096).expect("a subscription");
    let add = |name: &str| {
        let request = Request::new(bridge(name)).expect("whole messages");
        assert_eq!(client.exchange(Protocol::Route, request).expect("an answer").refusals, []);
    };
    add("one");
    let changes = subscription.wait().expect("changes");
    assert!(!changes.overflow && !changes.stopped && Messages::of(&changes.data).count() > 0);
    for i in 0..50 {
        add(&format!("many{i}"));
    }
    assert!(subscription.wait().expect("changes").overflow);
    subscription.stopper().stop();
    assert!(subscription.wait().expect("an end").stopped);
}

#[test]
fn many_who_wait_are_told_by_one_thread_each_its_own_and_once() {
    const MANY: usize = 40;
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let (sender, receiver) = channel();
    let lookout = Lookout::shared().expect("a thread");
    let waiting: Vec<_> = (0..MANY)
        .map(|number| {
            let (namespace, client) = client();
            let subscription = Subscription::new(&namespace, &[1], 1 << 20).expect("a subscription");
            let stopper = subscription.stopper();
            let subscription = Arc::new(Mutex::new(subscription));
            let (lookout, threads, sender) = (Arc::clone(&lookout), Arc::clone(&threads), sender.clone());
            let wait = move || {
                let (threads, sender) = (Arc::clone(&threads), sender.clone());
                lookout.next(Arc::clone(&subscription), move |changes: netns_core::Result<Changes>| {
                    threads.lock().expect("no panic").insert(thread::current().id());
                    sender.send((number, changes.expect("changes"))).expect("somebody listens");
                });
            };
            wait();
            (client, stopper, wait)
        })
        .collect();
    for (number, (client, stopper, wait)) in waiting.iter().enumerate() {
        let request = Request::new(bridge("one")).expect("whole messages");
        assert_eq!(client.exchange(Protocol::Route, request).expect("an answer").refusals, []);
        let (told, changes) = receiver.recv().expect("changes");
        assert_eq!((told, changes.stopped), (number, false));
        assert!(Messages::of(&changes.data).count() > 0);
        stopper.stop();
        wait();
        let (told, changes) = receiver.recv().expect("an end");
        assert_eq!((told, changes.stopped), (number, true));
    }
    assert!(receiver.try_recv().is_err());
    assert_eq!(threads.lock().expect("no panic").len(), 1);
}

#[test]
fn who_waits_is_told_of_the_end_also_if_nobody_else_holds_the_thread() {
    let (namespace, _client) = client();
    let subscription = Subscription::new(&namespace, &[1], 4096).expect("a subscription");
    let stopper = subscription.stopper();
    let subscription = Arc::new(Mutex::new(subscription));
    let (sender, receiver) = channel();
    let wait = |sender: Sender<_>| {
        let lookout = Lookout::shared().expect("a thread");
        lookout.next(Arc::clone(&subscription), move |changes| sender.send(changes).expect("somebody listens"));
    };
    wait(sender.clone());
    // Changes can be told to one at a time only.
    wait(sender);
    assert_eq!(receiver.recv().expect("a refusal").err().map(|error| error.code()), Some("EEXIST".into()));
    stopper.stop();
    assert!(receiver.recv().expect("an end").expect("an end").stopped);
}

#[test]
fn a_setting_is_that_of_the_namespace() {
    let (one, two) = (NetNs::create(false).expect("root"), NetNs::create(false).expect("root"));
    one.set_sysctl("net.ipv4.ip_forward", "1").expect("a setting");
    assert_eq!(one.sysctl("net.ipv4.ip_forward").as_deref(), Ok("1"));
    assert_eq!(two.sysctl("net.ipv4.ip_forward").as_deref(), Ok("0"));
}
