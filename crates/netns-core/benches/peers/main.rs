//! Peers of `npm run bench`: the raw system calls, this crate itself, and `ip netns`, each a process that is driven line
//! by line, so that its rounds interleave with those of peers in other languages.
//!
//! A line `open 20 100` asks for 20 batches of 100 operations; the answer is one line with the nanoseconds that an
//! operation of each batch took.

mod core;
mod ip;
mod raw;

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::time::Instant;

/// One operation, ready to be repeated.
type Operation = Box<dyn FnMut() -> Result<(), Box<dyn Error>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let peer = match std::env::args().nth(1).as_deref() {
        Some("raw") => raw::operation,
        Some("core") => core::operation,
        Some("ip") => ip::operation,
        other => return Err(format!("name a peer: raw, core or ip, not {other:?}").into()),
    };
    for line in stdin().lines() {
        let line = line?;
        let answer = measure(peer, &line).unwrap_or_else(|error| format!("! {error}"));
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}

fn measure(peer: fn(&str) -> Result<Operation, Box<dyn Error>>, line: &str) -> Result<String, Box<dyn Error>> {
    let words: Vec<_> = line.split(' ').collect();
    let [name, batches, size] = words[..] else { return Err(format!("not a request: {line}").into()) };
    let (batches, size) = (batches.parse::<u32>()?, size.parse::<u32>()?);
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
