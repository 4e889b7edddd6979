//! The stacks that children begin on.

use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// For the child's own calls, a directory listing and a path among them; debug builds take some.
const SIZE: usize = 64 * 1024;
/// How many are kept for the next children: of this size the allocator tidies up at each.
const SPARE: usize = 16;

static SPARES: Mutex<Vec<Stack>> = Mutex::new(Vec::new());

/// One stack, with whatever was on it before.
pub(super) struct Stack(Box<[MaybeUninit<u8>]>);

impl Stack {
    /// A used one, if there is any.
    pub(super) fn take() -> Self {
        let spare = SPARES.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Self(Box::new_uninit_slice(SIZE)))
    }

    /// For the next child.
    pub(super) fn give_back(self) {
        let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARE {
            spares.push(self);
        }
    }

    /// Where it begins: its upper end, as it grows down.
    pub(super) fn top(&mut self) -> *mut u8 {
        let top = self.0.as_mut_ptr_range().end;
        // Both architectures want sixteen.
        top.wrapping_sub(top.addr() % 16).cast()
    }
}
