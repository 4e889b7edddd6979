//! Builds the helper from `src/helper.rs`, which the library then carries as bytes.
//!
//! A program without std, C library and unwinding cannot be a plain binary of a workspace that unwinds, and cargo cannot
//! yet make one crate's binary another's data. It has no dependencies, so one call of the compiler does it, for every
//! target, with the linker that every Rust toolchain brings along.

use std::env::var;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let target = var("TARGET").unwrap_or_default();
    let directory = std::env::var_os("OUT_DIR").unwrap_or_default();
    let output = Path::new(&directory).join("netns-exec");
    // A toolchain from elsewhere than rustup may lack that linker, and has a C compiler to link with.
    let attempts: [&[&str]; 2] = [
        &[
            "-Clinker=rust-lld",
            "-Clinker-flavor=ld.lld",
            "-Clink-self-contained=no",
            "-Clink-arg=-zmax-page-size=4096",
            // One mapping less to make at each start, and one fault.
            "-Clink-arg=--no-rosegment",
        ],
        &["-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib", "-Clink-arg=-static"],
    ];
    let built = attempts.iter().any(|linking| {
        Command::new(&rustc)
            .args(["--edition=2024", "--crate-name=netns_exec_helper", "--crate-type=bin", "--target", &target])
            .args(["-Copt-level=s", "-Cpanic=abort", "-Ccodegen-units=1", "-Clto=fat", "-Cstrip=symbols"])
            .args(["-Crelocation-model=static", "-Ctarget-feature=+crt-static"])
            // There is no loader that would forbid writing afterwards.
            .args(["-Crelro-level=off", "-Cforce-unwind-tables=no", "--cap-lints=allow"])
            .args(*linking)
            .arg("-o")
            .arg(&output)
            .arg("src/helper.rs")
            .status()
            .is_ok_and(|status| status.success())
    });
    assert!(built, "the helper could not be built for {target}");
}
