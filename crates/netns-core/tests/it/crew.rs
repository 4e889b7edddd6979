//! Threads of our own for work that may block.

use std::sync::mpsc;
use std::time::Duration;

use netns_core::crew;

use crate::common::{create, here, in_child, is_child, isolated};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn one_blocked_job_does_not_hold_up_the_next() {
    if !is_child() {
        let output = in_child("crew::one_blocked_job_does_not_hold_up_the_next", &[]);
        assert!(output.status.success(), "{output:?}");
        return;
    }
    // In a process whose crew is still cold.
    let (release, blocked) = mpsc::channel::<()>();
    let (taken, started) = mpsc::channel();
    crew::submit(move || {
        taken.send(()).expect("the test waits");
        let _dropped = blocked.recv();
    })
    .expect("a member");
    started.recv_timeout(LONG).expect("it starts");
    let (done, wait) = mpsc::channel();
    crew::submit(move || done.send(()).expect("the test waits")).expect("a member");
    wait.recv_timeout(LONG).expect("another member runs it");
    drop(release);
}

#[test]
fn a_panicking_job_harms_nobody() {
    isolated();
    for _ in 0..8 {
        crew::submit(|| std::panic::resume_unwind(Box::new("a job's own fault"))).expect("a member");
    }
    let (done, wait) = mpsc::channel();
    crew::submit(move || done.send(()).expect("the test waits")).expect("a member");
    wait.recv_timeout(LONG).expect("the crew goes on");
}

#[test]
fn i1_members_are_born_at_home_whoever_asks() {
    crew::muster().expect("a first member");
    let home = here();
    let (done, wait) = mpsc::channel();
    create()
        .run(|| {
            for _ in 0..16 {
                let (member, alone) = (done.clone(), done.clone());
                crew::submit(move || member.send(here()).expect("the test waits")).expect("a member");
                crew::detach(move || alone.send(here()).expect("the test waits")).expect("a thread");
            }
        })
        .expect("inside");
    for _ in 0..32 {
        assert_eq!(wait.recv_timeout(LONG).expect("every job runs"), home);
    }
}
