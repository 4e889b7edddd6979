//! Names as they come and go.

use std::fs::File;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use netns_core::{Event, Registry, Stopper, Watch};

use crate::common::{directory, in_child, is_child, name, open_descriptors, registry};

struct Followed {
    events: Receiver<(Event, bool)>,
    stopper: Stopper,
}

/// Collects events, each with whether its name could be opened when it was told.
fn follow(registry: &Registry) -> Followed {
    let mut watch = Watch::new(registry.clone()).expect("a watch");
    let stopper = watch.stopper();
    let (send, events) = channel();
    let registry = registry.clone();
    std::thread::spawn(move || {
        while let Ok(batch) = watch.wait() {
            if batch.is_empty() {
                return;
            }
            for event in batch {
                let usable = matches!(&event, Event::Add(name) if registry.open(name).is_ok());
                if send.send((event, usable)).is_err() {
                    return;
                }
            }
        }
    });
    Followed { events, stopper }
}

impl Followed {
    fn next(&self) -> (Event, bool) {
        self.events.recv_timeout(Duration::from_secs(20)).expect("an event")
    }
}

#[test]
fn a_name_is_told_once_it_can_be_opened() {
    let registry = registry();
    let watch = follow(&registry);
    for round in 0..40 {
        let red = name(&format!("red{round}"));
        registry.create(&red, true).expect("a name");
        assert_eq!(watch.next(), (Event::Add(red.clone()), true));
        registry.delete(&red, false).expect("deleted");
        assert_eq!(watch.next(), (Event::Delete(red), false));
    }
}

#[test]
fn plain_files_are_no_events() {
    let registry = registry();
    registry.create(&name("first"), true).expect("the directory");
    let watch = follow(&registry);
    File::create(registry.directory().join("plain")).expect("a file");
    registry.create(&name("red"), true).expect("a name");
    assert_eq!(watch.next().0, Event::Add(name("red")));
}

#[test]
fn a_name_that_is_replaced_goes_and_comes() {
    let registry = registry();
    registry.create(&name("red"), true).expect("a name");
    let mut watch = Watch::new(registry.clone()).expect("a watch");
    registry.delete(&name("red"), false).expect("deleted");
    registry.create(&name("red"), true).expect("made again");
    assert_eq!(watch.wait().expect("events"), [Event::Delete(name("red")), Event::Add(name("red"))]);
}

#[test]
fn events_of_one_name_alternate_under_churn() {
    let registry = registry();
    registry.create(&name("red"), true).expect("a name");
    let watch = follow(&registry);
    for _ in 0..100 {
        registry.delete(&name("red"), false).expect("deleted");
        registry.create(&name("red"), true).expect("made again");
    }
    // In one batch names come in order, so this one is told last.
    registry.create(&name("white"), true).expect("a name");
    let mut there = true;
    loop {
        match watch.next().0 {
            Event::Add(found) if found == name("white") => break,
            Event::Add(_) => assert!(!std::mem::replace(&mut there, true), "added twice"),
            Event::Delete(_) => assert!(std::mem::replace(&mut there, false), "deleted twice"),
        }
    }
    assert!(there);
}

#[test]
fn the_directory_may_come_and_go() {
    let parent = directory();
    let registry = Registry::new(parent.join("deep/names"));
    let watch = follow(&registry);
    registry.create(&name("red"), true).expect("a name");
    assert_eq!(watch.next(), (Event::Add(name("red")), true));
}

#[test]
fn stop_ends_the_present_and_the_next_wait() {
    let registry = registry();
    let watch = follow(&registry);
    watch.stopper.stop();
    watch.events.recv_timeout(Duration::from_secs(20)).expect_err("the watching thread has ended");
    let mut watch = Watch::new(registry).expect("a watch");
    watch.stopper().stop();
    assert_eq!(watch.wait().expect("no events"), []);
    assert_eq!(watch.wait().expect("no events"), []);
}

#[test]
fn i7_watches_leave_no_descriptor() {
    if is_child() {
        let registry = registry();
        drop(Watch::new(registry.clone()).expect("a watch"));
        let before = open_descriptors();
        for _ in 0..300 {
            drop(Watch::new(registry.clone()).expect("a watch"));
        }
        assert_eq!(open_descriptors(), before);
        return;
    }
    let output = in_child("watch::i7_watches_leave_no_descriptor", &[]);
    assert!(output.status.success(), "{output:?}");
}
