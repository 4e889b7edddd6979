//! Peers of `npm run bench`: the raw system calls, this crate itself, raw netlink, and `ip netns`, each a process that is driven line
//! by line, so that its rounds interleave with those of peers in other languages.
//!
//! A line `open 20 100` asks for 20 batches of 100 operations; the answer is one line with the nanoseconds that an
//! operation of each batch took.

mod core;
mod ip;
mod netlink;
mod raw;

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::time::Instant;

/// One operation, ready to be repeated.
type Operation = Box<dyn FnMut() -> Result<(), Box<dyn Error>>>;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("raw") => serve(|request| measure(raw::operation, request)),
        Some("core") => serve(|request| measure(core::operation, request)),
        Some("ip") => serve(|request| measure(ip::operation, request)),
        Some("netlink") => {
            let mut wired = netlink::Wired::new();
            serve(|(name, batches, _)| {
                let times = (0..batches).map(|_| Ok(wired.measure(name)?.as_nanos().to_string()));
                Ok(times.collect::<Result<Vec<_>, Box<dyn Error>>>()?.join(" "))
            })
        }
        other => Err(format!("name a peer: raw, core, netlink or ip, not {other:?}").into()),
    }
}

fn serve(mut answer: impl FnMut((&str, u32, u32)) -> Result<String, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    for line in stdin().lines() {
        let line = line?;
        let answer = parse(&line).and_then(&mut answer).unwrap_or_else(|error| format!("! {error}"));
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}

fn parse(line: &str) -> Result<(&str, u32, u32), Box<dyn Error>> {
    let words: Vec<_> = line.split(' ').collect();
    let [name, batches, size] = words[..] else { return Err(format!("not a request: {line}").into()) };
    Ok((name, batches.parse()?, size.parse()?))
}

fn measure(
    peer: fn(&str) -> Result<Operation, Box<dyn Error>>,
    (name, batches, size): (&str, u32, u32),
) -> Result<String, Box<dyn Error>> {
    let mut operation = peer(name)?;
    let mut times = Vec::new();
    for _ in 0..batches {
        let start = Instant::now();
        for _ in 0..size {
            operation()?;
        }
        times.push((start.elapsed().as_nanos() / u128::from(size)).to_string());
    }
    Ok(times.join(" "))
}
