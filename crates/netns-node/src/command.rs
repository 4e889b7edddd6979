//! Programs started inside.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use netns_core::{Child, Command, CommandEvent, Environment, Exit, Stdio, foreign};

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

/// What few programs need.
#[napi(object)]
pub struct Order {
    /// The working directory.
    pub directory: Option<Buffer>,
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
/// a pid, 2 exited with a code, 3 ended by a signal, 4 ended unknown how. They are known by numbers, as an object with
/// a finaliser for each takes longer than all else.
#[napi]
pub struct Launcher {
    listener: Arc<Listener>,
    children: HashMap<u32, Child>,
    last: u32,
    environment: Option<Environment>,
}

fn stream(number: i32) -> netns_core::Result<Stdio> {
    Ok(match number {
        PIPE => Stdio::Pipe,
        NULL => Stdio::Null,
        INHERIT => Stdio::Inherit,
        CLOSED => Stdio::Closed,
        number => return foreign::shared(number),
    })
}

fn configure(command: &mut Command, order: Order) {
    command.sysfs(order.sysfs).bound(order.bound);
    if let Some(directory) = &order.directory {
        command.current_dir(OsStr::from_bytes(directory));
    }
    if let Some(uid) = order.uid {
        command.uid(uid);
    }
    if let Some(gid) = order.gid {
        command.gid(gid);
    }
    if let Some(groups) = order.groups {
        command.groups(groups);
    }
    if let Some(capabilities) = order.capabilities {
        command.capabilities(capabilities);
    }
    if let Some(name) = order.etc {
        command.etc(name);
    }
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
        Ok(Self { listener: Arc::new(listener), children: HashMap::new(), last: 0, environment: None })
    }

    /// The process's environment as it is now, as `NAME=value`, each ended by a NUL.
    #[napi(catch_unwind)]
    pub fn remember(&mut self, environment: String) {
        self.environment = Some(Environment::packed(environment.into_bytes()));
    }

    /// Starts a program; how it fares is told later, by the number that this gives. It gives 0, and starts nothing, if the
    /// environment was to be the remembered one and the process's is not that any more.
    ///
    /// `words` are the file and the arguments, `environment` is `NAME=value`, each string of both ended by a NUL; null is
    /// what was remembered.
    /// `stdio` is a descriptor to share each, -1 for a pipe, -2 for /dev/null, -3 to inherit, -4 for nothing.
    #[napi(catch_unwind)]
    pub fn launch(
        &mut self,
        env: &Env,
        handle: &Handle,
        words: String,
        environment: Option<String>,
        stdio: Vec<i32>,
        order: Option<Order>,
    ) -> Result<u32> {
        let namespace = handle.namespace()?;
        let mut command = Command::packed(words.into_bytes());
        match (environment, &self.environment) {
            (Some(pairs), _) => {
                command.packed_environment(pairs.into_bytes());
            }
            (None, Some(remembered)) if remembered.is_current() => {
                command.known_environment(remembered);
            }
            (None, _) => return Ok(0),
        }
        command.stdio(stdio.into_iter().map(stream).collect::<netns_core::Result<_>>().or_throw(env)?);
        if let Some(order) = order {
            configure(&mut command, order);
        }
        let id = self.free();
        let listener = Arc::clone(&self.listener);
        command.announced(false);
        let tell = move |event: &CommandEvent| {
            listener.call(told(id, event), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let child = command.launch(&namespace, tell).or_throw(env)?;
        self.children.insert(id, child);
        Ok(id)
    }

    /// Has it told when the program runs.
    #[napi(catch_unwind)]
    pub fn announce(&self, id: u32) {
        if let Some(child) = self.children.get(&id) {
            child.announce();
        }
    }

    /// This process's ends of the pipes, or -1, by the child's numbers. They are the caller's to close.
    #[napi(catch_unwind)]
    pub fn pipes(&mut self, id: u32) -> Vec<i32> {
        let pipes = self.children.get_mut(&id).map(Child::pipes).unwrap_or_default();
        pipes.into_iter().map(|pipe| pipe.map_or(-1, IntoRawFd::into_raw_fd)).collect()
    }

    /// Its pid, once it runs, or null if it is forgotten; throws why it does not run.
    #[napi(catch_unwind)]
    pub fn started(&self, env: &Env, id: u32) -> Result<Option<u32>> {
        self.children.get(&id).map(|child| child.started().or_throw(env)).transpose()
    }

    /// Whether it was still there to be signalled.
    #[napi(catch_unwind)]
    pub fn kill(&self, env: &Env, id: u32, signal: i32) -> Result<bool> {
        self.children.get(&id).map_or(Ok(false), |child| child.kill(signal).or_throw(env))
    }

    /// Nothing will be asked of it any more, and its number is free.
    #[napi(catch_unwind)]
    pub fn forget(&mut self, id: u32) {
        self.children.remove(&id);
    }

    /// Numbers are only for programs that run, so they may come round.
    fn free(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.children.contains_key(&self.last) {
                return self.last;
            }
        }
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
