//! Methods handed on to another operator.

/// Methods that are those of `inner`, which `self` is made of.
macro_rules! delegate {
    ($self:ident, $inner:expr; $(fn $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {$(
        fn $method(&$self, $($argument: $type),*) -> $result {
            $inner.$method($($argument),*)
        }
    )+};
}

pub(super) use delegate;
