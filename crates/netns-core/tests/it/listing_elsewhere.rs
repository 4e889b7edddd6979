//! Listings of what is changed, or looked at, where other things are mounted.

use std::fs::rename;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use netns_core::{Anchor, Registry};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use crate::common::{create, id, isolated, name};
use crate::names::{assert_right, bind, is_alone, listed, put, registry, unmount};

/// A thread with mounts of its own, which do not propagate, and what it is told to do there.
struct Elsewhere {
    orders: Sender<Box<dyn FnOnce() + Send>>,
    thread: JoinHandle<()>,
    /// Its `/` as others see it.
    root: PathBuf,
}

impl Elsewhere {
    fn new() -> Self {
        Self::receiving(MsFlags::MS_PRIVATE)
    }

    /// Whose mounts follow ours (`MS_SLAVE`) or do not.
    fn receiving(propagation: MsFlags) -> Self {
        isolated();
        let (orders, work) = channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = channel();
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNS).expect("root");
            let recursive = propagation | MsFlags::MS_REC;
            mount(None::<&str>, "/", None::<&str>, recursive, None::<&str>).expect("mounts of its own");
            tell.send(gettid()).expect("the test waits");
            for order in work {
                order();
            }
        });
        let root = format!("/proc/self/task/{}/root", told.recv().expect("a thread")).into();
        Self { orders, thread, root }
    }

    fn does<T: Send + 'static>(&self, order: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let order = Box::new(move || tell.send(order()).expect("the test waits"));
        self.orders.send(order).expect("it listens");
        told.recv().expect("no panic")
    }

    fn ends(self) {
        drop(self.orders);
        self.thread.join().expect("no panic");
    }
}

#[test]
fn a_file_that_is_renamed_where_it_is_no_mount_takes_its_mount_along() {
    if !is_alone("listing_elsewhere::a_file_that_is_renamed_where_it_is_no_mount_takes_its_mount_along") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let [a, b, c] = ["a", "b", "c"].map(|each| registry.directory().join(each));
    put(&a, &one);
    put(&b, &other);
    assert_right(&registry);
    let elsewhere = Elsewhere::new();
    let paths = (a.clone(), b.clone(), c);
    elsewhere.does(move || {
        let (a, b, c) = paths;
        unmount(&a);
        unmount(&b);
        rename(&a, &c).expect("no mount here");
        rename(&b, &a).expect("no mount here");
        rename(&c, &b).expect("no mount here");
    });
    assert_eq!(listed(&registry), [("a".into(), Some(id(&other))), ("b".into(), Some(id(&one)))]);
    elsewhere.ends();
}

#[test]
fn each_mount_namespace_has_names_of_its_own() {
    if !is_alone("listing_elsewhere::each_mount_namespace_has_names_of_its_own") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let path = registry.directory().join("red");
    put(&path, &one);
    let elsewhere = Elsewhere::new();
    let there = Registry::new(elsewhere.root.join(registry.directory().strip_prefix("/").expect("absolute")));
    let (at, theirs) = (path.clone(), registry.clone());
    let listed_there = move || listed(&theirs);
    assert_eq!(listed(&registry), listed(&there));
    assert_eq!(elsewhere.does(listed_there.clone()), listed(&there));
    elsewhere.does(move || unmount(&at));
    for _ in 0..2 {
        assert_eq!(listed(&there), [("red".into(), None)]);
        assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
        assert_eq!(elsewhere.does(listed_there.clone()), [("red".into(), None)]);
    }
    let (at, inside) = (path.clone(), other.clone());
    elsewhere.does(move || inside.run(|| bind("/proc/thread-self/ns/net", &at)).expect("inside"));
    for _ in 0..2 {
        assert_eq!(listed(&there), [("red".into(), Some(id(&other)))]);
        assert_eq!(elsewhere.does(listed_there.clone()), [("red".into(), Some(id(&other)))]);
        assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
    }
    elsewhere.ends();
}

#[test]
fn what_is_mounted_elsewhere_and_arrives_here_is_noticed() {
    if !is_alone("listing_elsewhere::what_is_mounted_elsewhere_and_arrives_here_is_noticed") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let path = registry.directory().join("red");
    // As iproute2 does, so that names reach containers.
    registry.create(&name("first"), true).expect("a shared directory");
    put(&path, &one);
    let elsewhere = Elsewhere::receiving(MsFlags::MS_SLAVE);
    let expect = |identity| {
        for _ in 0..2 {
            let theirs = registry.clone();
            assert_eq!(elsewhere.does(move || listed(&theirs))[1], ("red".into(), identity));
        }
    };
    expect(Some(id(&one)));
    unmount(&path);
    expect(None);
    other.run(|| bind("/proc/thread-self/ns/net", &path)).expect("inside");
    expect(Some(id(&other)));
    elsewhere.ends();
}

#[test]
fn a_link_is_followed_each_time() {
    if !is_alone("listing_elsewhere::a_link_is_followed_each_time") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let elsewhere = Elsewhere::new();
    symlink(elsewhere.root.with_file_name("ns/net"), registry.directory().join("link")).expect("a link");
    for namespace in [one, other] {
        let identity = id(&namespace);
        elsewhere.does(move || Anchor::here().and_then(|anchor| anchor.move_to(&namespace)).expect("root"));
        assert_eq!(listed(&registry), [("link".into(), Some(identity))]);
        assert_eq!(listed(&registry), [("link".into(), Some(identity))]);
    }
    elsewhere.ends();
}
