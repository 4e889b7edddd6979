//! Programs started inside. Needs `CAP_SYS_ADMIN`, as everything that enters a namespace; makes only namespaces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{read_dir, read_link};
use std::io::Read;
use std::os::unix::net::UnixStream;

use netns_core::{Command, CommandEvent, CommandExt, Exit, NetNs, Stdio};

/// What a command says on its standard output.
fn said(mut command: Command, namespace: &NetNs) -> String {
    command.stdio(vec![Stdio::Null, Stdio::Pipe, Stdio::Inherit]);
    let mut child = command.launch(namespace, |_| ()).unwrap();
    let mut pipe = UnixStream::from(child.pipes().remove(1).unwrap());
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Code(0));
    text.trim().to_owned()
}

/// Whether this user namespace has such a user and group.
fn exists(id: u32) -> bool {
    ["/proc/self/uid_map", "/proc/self/gid_map"].iter().all(|path| {
        std::fs::read_to_string(path).unwrap().lines().any(|line| {
            let numbers: Vec<u32> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
            id >= numbers[0] && id - numbers[0] < numbers[2]
        })
    })
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_program_runs_inside_and_no_thread_of_ours_does() {
    let inside = NetNs::create(true).unwrap();
    let namespace = format!("net:[{}]", inside.identity().unwrap().ino);
    assert_eq!(said(shell("readlink /proc/self/ns/net"), &inside), namespace);
    // Threads of other tests may be in namespaces of their own just now, but none has business in this one.
    for task in read_dir("/proc/self/task").unwrap().flatten() {
        let found = read_link(task.path().join("ns/net"));
        assert!(found.is_err() || found.is_ok_and(|found| found.as_os_str() != namespace.as_str()));
    }
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let inside = NetNs::create(false).unwrap();
    assert_eq!(shell("exit 7").status(&inside).unwrap(), Exit::Code(7));
    assert_eq!(shell("kill -9 $$").status(&inside).unwrap(), Exit::Signal(9));
    // A real-time signal has no name.
    assert_eq!(shell("kill -40 $$").status(&inside).unwrap(), Exit::Signal(40));
}

#[test]
fn a_program_that_cannot_be_started_leaves_an_errno_and_no_zombie() {
    let inside = NetNs::create(false).unwrap();
    let error = Command::new("/no/such/program").status(&inside).unwrap_err();
    assert_eq!((error.code().as_str(), error.syscall()), ("ENOENT", Some("execve")));
    let error = Command::new("/etc").status(&inside).unwrap_err();
    assert_eq!(error.code(), "EACCES");
    let mut command = Command::new("true");
    command.current_dir("/no/such/directory");
    let error = command.status(&inside).unwrap_err();
    assert_eq!((error.code().as_str(), error.syscall()), ("ENOENT", Some("chdir")));
    assert_eq!(Command::new("a\0b").status(&inside).unwrap_err().code(), "EINVAL");
}

#[test]
fn signals_are_reset_and_none_is_blocked() {
    let inside = NetNs::create(false).unwrap();
    // Rust's runtime ignores SIGPIPE, which a child must not inherit.
    let status = said(shell("grep -E '^Sig(Blk|Ign):' /proc/self/status"), &inside);
    let values: Vec<_> = status.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(values, ["0000000000000000", "0000000000000000"]);
}

#[test]
fn capabilities_are_what_was_left() {
    let inside = NetNs::create(false).unwrap();
    let mut command = shell("grep -E '^(Cap|NoNewPrivs)' /proc/self/status");
    command.capabilities([]);
    let status = said(command, &inside);
    assert_eq!(status.lines().filter(|line| line.ends_with("0000000000000000")).count(), 5, "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    // As another user too, by the ambient set; an ordinary user's namespace has one alone.
    let other = if exists(65534) { 65534 } else { 0 };
    let mut command = shell("grep -E '^Cap(Eff|Bnd|Amb)' /proc/self/status");
    command.uid(other).gid(other).capabilities([10]);
    let status = said(command, &inside);
    assert_eq!(status.lines().filter(|line| line.ends_with("0000000000000400")).count(), 3, "{status}");
}

#[test]
fn descriptors_in_each_others_way_arrive() {
    let inside = NetNs::create(false).unwrap();
    let mut command = shell("echo error >&2; echo seven >&7; ls /proc/self/fd | tr '\\n' ' '");
    let pipe = || Stdio::Pipe;
    let none = || Stdio::Closed;
    command.stdio(vec![
        Stdio::Null,
        pipe(),
        Stdio::shared(std::io::stdin()).unwrap(),
        none(),
        none(),
        none(),
        none(),
        pipe(),
    ]);
    let mut child = command.launch(&inside, |_| ()).unwrap();
    let pipes = child.pipes();
    let mut text = String::new();
    for pipe in pipes.into_iter().flatten() {
        UnixStream::from(pipe).read_to_string(&mut text).unwrap();
    }
    child.wait().unwrap();
    // `ls` itself opens the directory as 3.
    assert_eq!(text, "0 1 2 3 7 seven\n");
}

#[test]
fn hundreds_at_once_end_without_zombies() {
    let inside = NetNs::create(false).unwrap();
    let children: Vec<_> = (0..300).map(|_| Command::new("true").launch(&inside, |_| ()).unwrap()).collect();
    for child in children {
        assert_eq!(child.wait().unwrap(), Exit::Code(0));
        let status = std::fs::read_to_string(format!("/proc/{}/stat", child.started().unwrap()));
        assert!(status.is_err(), "{status:?}");
    }
}

/// What a listener hears of a command, to its end.
fn heard(command: Command, namespace: &NetNs) -> Vec<CommandEvent> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let _child = command.launch(namespace, move |event| sender.send(event.clone()).unwrap()).unwrap();
    // The last event drops the listener.
    receiver.iter().collect()
}

#[test]
fn a_listener_hears_of_the_start_before_the_end_if_it_wants_to() {
    let inside = NetNs::create(false).unwrap();
    for bound in [false, true] {
        for _ in 0..50 {
            let mut command = Command::new("true");
            command.bound(bound);
            let events = heard(command, &inside);
            assert!(
                matches!(events[..], [CommandEvent::Started(_), CommandEvent::Exited(Exit::Code(0))]),
                "{events:?}"
            );
        }
        let mut command = Command::new("true");
        command.bound(bound).announced(false);
        assert_eq!(heard(command, &inside), [CommandEvent::Exited(Exit::Code(0))]);
        let mut command = Command::new("/no/such/program");
        command.bound(bound);
        let events = heard(command, &inside);
        assert!(matches!(&events[..], [CommandEvent::Failed(error)] if error.code() == "ENOENT"), "{events:?}");
    }
}

#[test]
fn a_listener_that_panics_is_nothing_to_other_children() {
    let inside = NetNs::create(false).unwrap();
    let child = Command::new("true").launch(&inside, |event| panic!("as wanted, at {event:?}")).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Code(0));
    assert_eq!(heard(Command::new("true"), &inside).len(), 2);
}

#[test]
fn a_start_is_told_of_while_the_program_runs_whatever_descriptors_it_has() {
    let inside = NetNs::create(false).unwrap();
    let mut command = Command::new("sleep");
    command.args(["1000"]);
    // So many that descriptors of this process are in the way.
    command.stdio((0..200).map(|_| Stdio::Null).collect());
    let (sender, receiver) = std::sync::mpsc::channel();
    let child = command.launch(&inside, move |event| drop(sender.send(event.clone()))).unwrap();
    assert_eq!(receiver.recv().unwrap(), CommandEvent::Started(child.started().unwrap()));
    assert!(child.kill(9).unwrap());
    assert_eq!(child.wait().unwrap(), Exit::Signal(9));
}

#[test]
fn a_child_can_be_killed_at_once_and_by_several_threads() {
    let inside = NetNs::create(false).unwrap();
    for _ in 0..50 {
        let mut command = Command::new("sleep");
        command.args(["1000"]).announced(false);
        let child = command.launch(&inside, |_| ()).unwrap();
        std::thread::scope(|scope| {
            let killers: Vec<_> = (0..4).map(|_| scope.spawn(|| child.kill(9).unwrap())).collect();
            assert!(killers.into_iter().any(|killer| killer.join().unwrap()));
        });
        assert_eq!(child.wait().unwrap(), Exit::Signal(9));
        assert!(!child.kill(9).unwrap());
    }
}

#[test]
fn a_standard_command_begins_inside_too() {
    let inside = NetNs::create(false).unwrap();
    let output = std::process::Command::new("readlink").arg("/proc/self/ns/net").netns(&inside).output().unwrap();
    let ino = inside.identity().unwrap().ino;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("net:[{ino}]"));
}
