//! Descriptors by their numbers.

use std::fs::File;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use netns_core::{NetNs, foreign};

use crate::common::create;

fn number(descriptor: &impl AsRawFd) -> u32 {
    u32::try_from(descriptor.as_raw_fd()).expect("a number")
}

#[test]
fn a_socket_belongs_to_the_namespace_that_it_was_made_in() {
    let red = create();
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let inside = red.run(|| UdpSocket::bind("0.0.0.0:0").expect("a socket")).expect("inside");
    assert!(foreign::owns(&NetNs::current().expect("current"), number(&socket)).expect("an answer"));
    assert!(!foreign::owns(&red, number(&socket)).expect("an answer"));
    assert!(foreign::owns(&red, number(&inside)).expect("an answer"));
}

#[test]
fn what_is_not_open_belongs_to_none() {
    let red = create();
    for number in [1_000_000, u32::MAX] {
        assert!(!foreign::owns(&red, number).expect("an answer"));
    }
}

#[test]
fn what_is_no_socket_is_refused() {
    let file = File::open("/dev/null").expect("a file");
    assert!(foreign::owns(&create(), number(&file)).is_err());
}
