//! Guarded sections, threads born inside, and creation.

use std::fs::{File, read_to_string};
use std::io::pipe;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use netns_core::{Anchor, Error, NetNs};
use nix::libc::SIGABRT;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::dup2;

use crate::common::{
    code, command, create, drop_capabilities, eventually, here, id, in_child, is_child, isolated, open_descriptors,
    strays,
};

#[test]
fn run_is_inside_and_comes_back() {
    let (home, other) = (here(), create());
    let inside = other.run(here).expect("inside");
    assert_eq!(inside, id(&other).to_string());
    assert_eq!(here(), home);
}

#[test]
fn i2_neither_question_mark_nor_panic_skips_the_way_back() {
    let (home, other) = (here(), create());
    let failed: Result<(), Error> = other
        .run(|| {
            assert_ne!(here(), home);
            NetNs::from_path("/nonexistent")?;
            Ok(())
        })
        .expect("entered");
    assert_eq!(code(failed), "ENOENT");
    assert_eq!(here(), home);
    let panicked = catch_unwind(AssertUnwindSafe(|| other.run(|| resume_unwind(Box::new("inside")))));
    assert!(panicked.is_err());
    assert_eq!(here(), home);
}

#[test]
fn i2_sections_nest_and_each_returns_where_it_came_from() {
    let (home, a, b) = (here(), create(), create());
    let anchor = Anchor::here().expect("an anchor");
    let steps = anchor
        .run(&a, || {
            let before = here();
            let between = anchor.run(&b, || {
                let deepest = anchor.run(&a, here).expect("deepest");
                let panicked = catch_unwind(AssertUnwindSafe(|| anchor.run(&a, || resume_unwind(Box::new("inside")))));
                assert!(panicked.is_err());
                (deepest, here())
            });
            (before, between.expect("nested"), anchor.run(&a, here).expect("re-entered"), here())
        })
        .expect("outermost");
    let (a, b) = (id(&a).to_string(), id(&b).to_string());
    assert_eq!(steps, (a.clone(), (a.clone(), b), a.clone(), a));
    assert_eq!(here(), home);
}

#[test]
fn an_anchor_knows_its_position_and_refuses_to_move_inside() {
    let (a, b) = (create(), create());
    let anchor = Anchor::here().expect("an anchor");
    anchor
        .run(&a, || {
            assert!(anchor.position().is_same(&a).expect("identities"));
            assert_eq!(code(anchor.move_to(&b)), "EBUSY");
        })
        .expect("inside");
    let moved = std::thread::spawn(move || {
        let anchor = Anchor::here().expect("an anchor");
        anchor.move_to(&b).expect("moved for good");
        let inside = anchor.run(&a, here).expect("inside");
        (inside, here(), id(&a).to_string(), id(&b).to_string())
    });
    let (inside, after, a, b) = moved.join().expect("no panic");
    assert_eq!((inside, after), (a, b));
}

#[test]
fn retreat_brings_home_out_of_all_sections() {
    let (home, a, b) = (here(), create(), create());
    let anchor = Anchor::here().expect("an anchor");
    let seen = anchor.run(&a, || {
        anchor.run(&b, || {
            anchor.retreat();
            (here(), anchor.run(&a, here).expect("inside again"), here())
        })
    });
    let at_a = id(&a).to_string();
    assert_eq!(seen.expect("outer").expect("inner"), (home.clone(), at_a, home.clone()));
    assert_eq!(here(), home);
}

#[test]
fn without_the_privilege_nothing_moves() {
    let other = create();
    let results = std::thread::spawn(move || {
        drop_capabilities();
        let before = here();
        let anchor = Anchor::here().expect("an anchor");
        let results = (code(other.run(|| ())), code(anchor.create_here(true)), code(other.spawn(|| ())));
        (before == here(), results)
    });
    let (stayed, results) = results.join().expect("no panic");
    assert!(stayed);
    assert_eq!(results, ("EPERM".into(), "EPERM".into(), "EPERM".into()));
}

#[test]
fn i2_what_cannot_return_does_not_go() {
    if is_child() {
        let home = here();
        let anchor = Anchor::here().expect("an anchor");
        let error = anchor.create_here(true).expect_err("there is no way back");
        assert_eq!(error.code(), "ERR_NETNS_NO_RETURN");
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("unshare -Urn")), "{error}");
        assert!(strays(&home).is_empty());
        return;
    }
    // A user namespace that does not own its network namespace.
    let output = in_child("thread::i2_what_cannot_return_does_not_go", &["unshare", "-Ur"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn i2_a_failed_return_aborts_with_our_message() {
    if is_child() {
        create().run(drop_capabilities).expect("this line is never reached");
        return;
    }
    let output = in_child("thread::i2_a_failed_return_aborts_with_our_message", &[]);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("netns: FATAL: thread "), "{said}");
    assert!(said.contains("cannot return to its network namespace (EPERM"), "{said}");
}

#[test]
fn i2_a_failed_return_aborts_even_if_nobody_can_be_told() {
    if is_child() {
        let other = create();
        let outcome = catch_unwind(AssertUnwindSafe(|| other.run(drop_capabilities)));
        println!("went on in the wrong network: {}", outcome.is_err());
        return;
    }
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut child = command("thread::i2_a_failed_return_aborts_even_if_nobody_can_be_told", &[]);
    let output = child.stderr(writer).output().expect("this binary starts");
    assert_eq!(output.status.signal(), Some(SIGABRT), "{output:?}");
}

/// Code elsewhere in the process that closes what is not its own, and has other namespaces to put there.
fn replace_namespace_descriptors(other: &NetNs) {
    let keep: OwnedFd = other.try_clone_fd().expect("a duplicate");
    let namespaces: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .expect("a /proc")
        .flatten()
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("net:")))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd != keep.as_raw_fd())
        .collect();
    for fd in namespaces {
        // SAFETY: the point of the test is an owner elsewhere; nothing but namespaces is replaced, by a namespace.
        let mut slot = unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) };
        dup2(&keep, &mut slot).expect("replaced");
        std::mem::forget(slot);
    }
}

#[test]
fn i2_a_descriptor_replaced_behind_our_back_leads_to_no_wrong_network() {
    if is_child() {
        let (home, a, b) = (here(), create(), create());
        assert_ne!(id(&a), id(&b));
        a.run(|| replace_namespace_descriptors(&b)).expect("inside");
        assert_eq!(here(), home, "returned to the wrong namespace");
        assert_eq!(code(a.run(here)), "EBADF");
        return;
    }
    let output = in_child("thread::i2_a_descriptor_replaced_behind_our_back_leads_to_no_wrong_network", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn spawn_starts_a_thread_that_is_born_inside() {
    let (home, other) = (here(), create());
    let thread = other.spawn(|| (here(), std::thread::spawn(here).join().expect("no panic"))).expect("a thread");
    let inside = id(&other).to_string();
    assert_eq!(thread.join().expect("no panic"), (inside.clone(), inside));
    assert_eq!(here(), home);
}

#[test]
fn spawn_passes_a_panic_on_to_join() {
    let thread = create().spawn(|| resume_unwind(Box::new("its own"))).expect("a thread");
    let outcome: std::thread::Result<()> = thread.join();
    let payload = outcome.expect_err("a panic");
    assert_eq!(payload.downcast_ref(), Some(&"its own"));
}

#[test]
fn create_brings_the_loopback_up_unless_told() {
    isolated();
    let flags = |namespace: &NetNs| {
        let lists = || read_to_string("/proc/thread-self/net/if_inet6").expect("a /proc");
        namespace.run(lists).expect("inside")
    };
    assert!(flags(&create()).contains("lo"), "::1 is there once lo is up");
    assert_eq!(flags(&NetNs::create(false).expect("a namespace")), "");
}

#[test]
fn i4_a_failed_creation_leaves_nothing_and_moves_nobody() {
    if is_child() {
        let (home, anchor) = (here(), Anchor::here().expect("an anchor"));
        anchor.create(true).expect("a warm anchor");
        let before = open_descriptors();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits");
        // Fewer and fewer descriptors left, so that each step fails in turn.
        for left in 0..6 {
            let next = File::open("/dev/null").expect("the next free number");
            let limit = u64::try_from(next.as_raw_fd()).expect("a number") + left;
            drop(next);
            setrlimit(Resource::RLIMIT_NOFILE, limit, hard).expect("a lower limit");
            let result = anchor.create(true);
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the old limit");
            let expected = if left < 2 { "EMFILE" } else { "no error" };
            assert_eq!(code(result), expected, "with {left} descriptors left");
            assert_eq!(here(), home);
            assert_eq!(open_descriptors(), before);
        }
        return;
    }
    let output = in_child("thread::i4_a_failed_creation_leaves_nothing_and_moves_nobody", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn i7_sections_and_creations_leave_no_descriptor_and_no_thread() {
    if is_child() {
        let (home, kept) = (here(), create());
        let threads = || std::fs::read_dir("/proc/self/task").expect("a /proc").count();
        let before = (open_descriptors(), threads());
        for round in 0..2_000 {
            kept.run(|| ()).expect("inside");
            drop(NetNs::current().expect("current"));
            if round % 20 == 0 {
                drop(create());
                kept.spawn(|| ()).expect("a thread").join().expect("no panic");
            }
        }
        assert!(eventually(|| (open_descriptors(), threads()) == before));
        assert!(strays(&home).is_empty());
        return;
    }
    let output = in_child("thread::i7_sections_and_creations_leave_no_descriptor_and_no_thread", &[]);
    assert!(output.status.success(), "{output:?}");
}
