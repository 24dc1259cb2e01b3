//! What is local to a thread.

use std::cell::RefCell;

/// A cell of each thread, used as one of the standard library is.
pub(crate) struct LocalKey<T: 'static>(pub &'static shuttle::thread::LocalKey<RefCell<T>>);

impl<T: 'static> LocalKey<T> {
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(|cell| f(&cell.borrow()))
    }

    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| f(&mut cell.borrow_mut()))
    }

    pub fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }

    pub fn set(&'static self, value: T) {
        drop(self.replace(value));
    }
}

/// As `std::thread_local`, for cells that can be borrowed.
macro_rules! thread_cells {
    ($($(#[$doc:meta])* $vis:vis static $name:ident: RefCell<$t:ty> = $init:expr;)*) => {
        $($(#[$doc])* $vis static $name: $crate::sync::LocalKey<$t> = {
            shuttle::thread_local!(static KEY: RefCell<$t> = $init);
            $crate::sync::LocalKey(&KEY)
        };)*
    };
}
pub(crate) use thread_cells as thread_local;
