//! Programs started inside.

use std::ffi::OsStr;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use netns_core::{Child, Command, CommandEvent, Exit, Stdio};

use crate::error::OrThrow;
use crate::handle::Handle;

type Told = FnArgs<(u32, u32, i32)>;
/// Weak: TypeScript decides which children keep the process alive.
type Listener = ThreadsafeFunction<Told, (), Told, Status, false, true>;

/// Numbers in `stdio` that are no descriptors.
const PIPE: i32 = -1;
const NULL: i32 = -2;
const INHERIT: i32 = -3;
const CLOSED: i32 = -4;

/// What to start. Lists of strings come as one, each string ended by a NUL, as each value costs a crossing; and as a
/// string, as a buffer costs more.
#[napi(object)]
pub struct Order {
    /// The file and the arguments.
    pub words: String,
    /// `NAME=value`.
    pub environment: String,
    /// The working directory.
    pub directory: Option<Buffer>,
    /// A descriptor to share, -1 for a pipe, -2 for /dev/null, -3 to inherit, -4 for nothing.
    pub stdio: Vec<i32>,
    /// User.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Supplementary groups.
    pub groups: Option<Vec<u32>>,
    /// Numbers of the capabilities that are left.
    pub capabilities: Option<Vec<u32>>,
    /// Whose /etc/netns.
    pub etc: Option<String>,
    /// A /sys of the namespace's.
    pub sysfs: bool,
    /// Die with this process.
    pub bound: bool,
}

/// Starts programs and tells one function how they fare: `(id, what, value)`, where `what` is 0 failed, 1 started with
/// a pid, 2 exited with a code, 3 ended by a signal, 4 ended unknown how.
#[napi]
pub struct Launcher {
    listener: Arc<Listener>,
}

/// A program that was started.
#[napi]
pub struct Program {
    child: Child,
    pipes: Vec<i32>,
}

fn strings(list: &str) -> impl Iterator<Item = &str> {
    list.split_terminator('\0')
}

fn stream(number: i32) -> netns_core::Result<Stdio> {
    Ok(match number {
        PIPE => Stdio::Pipe,
        NULL => Stdio::Null,
        INHERIT => Stdio::Inherit,
        CLOSED => Stdio::Closed,
        number => return Stdio::shared(number),
    })
}

fn command(order: &Order) -> netns_core::Result<Command> {
    let mut words = strings(&order.words);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).environment(strings(&order.environment)).sysfs(order.sysfs).bound(order.bound);
    command.stdio(order.stdio.iter().copied().map(stream).collect::<netns_core::Result<_>>()?);
    if let Some(directory) = &order.directory {
        command.current_dir(OsStr::from_bytes(directory));
    }
    if let Some(uid) = order.uid {
        command.uid(uid);
    }
    if let Some(gid) = order.gid {
        command.gid(gid);
    }
    if let Some(groups) = &order.groups {
        command.groups(groups.clone());
    }
    if let Some(capabilities) = &order.capabilities {
        command.capabilities(capabilities.iter().copied());
    }
    if let Some(name) = &order.etc {
        command.etc(name);
    }
    Ok(command)
}

fn told(id: u32, event: &CommandEvent) -> Told {
    let (what, value) = match event {
        CommandEvent::Failed(_) => (0, 0),
        CommandEvent::Started(pid) => (1, pid.cast_signed()),
        CommandEvent::Exited(Exit::Code(code)) => (2, *code),
        CommandEvent::Exited(Exit::Signal(signal)) => (3, *signal),
        CommandEvent::Exited(Exit::Unknown) => (4, 0),
    };
    (id, what, value).into()
}

#[napi]
impl Launcher {
    /// For one JavaScript realm.
    #[napi(constructor, catch_unwind, ts_args_type = "listener: (id: number, what: number, value: number) => void")]
    pub fn new(listener: Function<'_, Told, ()>) -> Result<Self> {
        let listener = listener.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        Ok(Self { listener: Arc::new(listener) })
    }

    /// Starts a program, which the listener is told of by `id`; whether it runs is told later. Unless `every`, only
    /// failure and end are.
    #[napi(catch_unwind)]
    pub fn launch(&self, env: &Env, handle: &Handle, order: Order, id: u32, every: bool) -> Result<Program> {
        let namespace = handle.namespace()?;
        let listener = Arc::clone(&self.listener);
        let tell = move |event: &CommandEvent| {
            if every || !matches!(event, CommandEvent::Started(_)) {
                listener.call(told(id, event), ThreadsafeFunctionCallMode::NonBlocking);
            }
        };
        let mut child = command(&order).and_then(|command| command.launch(&namespace, tell)).or_throw(env)?;
        let pipes = child.pipes().into_iter().map(|pipe| pipe.map_or(-1, IntoRawFd::into_raw_fd)).collect();
        Ok(Program { child, pipes })
    }
}

#[napi]
impl Program {
    /// This process's ends of the pipes, or -1, by the child's numbers. They are the caller's to close.
    #[napi(catch_unwind)]
    pub fn pipes(&mut self) -> Vec<i32> {
        std::mem::take(&mut self.pipes)
    }

    /// Its pid, once it runs; throws why it does not.
    #[napi(catch_unwind)]
    pub fn started(&self, env: &Env) -> Result<u32> {
        self.child.started().or_throw(env)
    }

    /// Whether it was still there to be signalled.
    #[napi(catch_unwind)]
    pub fn kill(&self, env: &Env, signal: i32) -> Result<bool> {
        self.child.kill(signal).or_throw(env)
    }
}

/// The static helper as an open descriptor of this process.
#[napi(catch_unwind)]
pub fn helper_descriptor(env: &Env) -> Result<i32> {
    netns_core::helper::descriptor().or_throw(env)
}

/// The static helper, to be written where it may run.
#[napi(catch_unwind)]
pub fn helper() -> Buffer {
    netns_core::HELPER.to_vec().into()
}
