//! The helper's first instructions, and what the compiler takes for granted but no library brings along.

use core::arch::global_asm;

use crate::sys;

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2", begin = sym begin);

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, xzr", "mov x30, xzr", "mov x0, sp", "bl {begin}", "brk 1", begin = sym begin);

/// The kernel leaves on the stack: the number of arguments, the arguments, a null pointer, the environment, a null one.
///
/// # Safety
/// Only `_start` may call it, once, with the stack pointer that the kernel gave.
unsafe extern "C" fn begin(stack: *mut usize) -> ! {
    // SAFETY: the number of arguments is there.
    let count = unsafe { *stack };
    // SAFETY: the arguments follow.
    let first = unsafe { stack.add(1) };
    // SAFETY: they are `count`, with a null pointer behind them, and nobody else's.
    let arguments = unsafe { core::slice::from_raw_parts_mut(first.cast::<*const u8>(), count + 1) };
    // SAFETY: the environment follows.
    let environment = unsafe { first.add(count + 1) };
    sys::exit(crate::main(arguments, environment.cast::<*const u8>()))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let _nobody_listens = sys::write(2, b"netns-exec: internal error\n");
    sys::exit(126)
}

/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    for at in 0..length {
        // SAFETY: the caller vouches for `length` bytes there.
        let byte = unsafe { from.wrapping_add(at).read() };
        // SAFETY: and here; volatile, or the compiler makes a memcpy of it.
        unsafe { to.wrapping_add(at).write_volatile(byte) };
    }
    to
}

/// # Safety
/// As memmove(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if to.cast_const() <= from {
        // SAFETY: forwards is right when the target is lower.
        return unsafe { memcpy(to, from, length) };
    }
    for at in (0..length).rev() {
        // SAFETY: as in memcpy.
        let byte = unsafe { from.wrapping_add(at).read() };
        // SAFETY: as in memcpy.
        unsafe { to.wrapping_add(at).write_volatile(byte) };
    }
    to
}

/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    let [byte, ..] = value.to_le_bytes();
    for at in 0..length {
        // SAFETY: the caller vouches for `length` bytes; volatile, or the compiler makes a memset of it.
        unsafe { to.wrapping_add(at).write_volatile(byte) };
    }
    to
}

/// # Safety
/// As bcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    // SAFETY: as memcmp.
    unsafe { memcmp(one, other, length) }
}

/// # Safety
/// As memcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    for at in 0..length {
        // SAFETY: the caller vouches for `length` bytes there; volatile, or the compiler makes a memcmp of it.
        let a = unsafe { one.wrapping_add(at).read_volatile() };
        // SAFETY: and here.
        let b = unsafe { other.wrapping_add(at).read_volatile() };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// # Safety
/// As strlen(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: no NUL has been passed; volatile, or the compiler makes a strlen of it.
    while unsafe { text.wrapping_add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
