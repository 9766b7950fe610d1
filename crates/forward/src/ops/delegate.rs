//! Operations by signature, where many have the same.

/// The operations of [`Dual`](crate::Dual) that are made of the inner backend's own, whose names they have, with one
/// signature for all that share it.
///
/// | before the signature | what the operation is |
/// |---|---|
/// | `inner` | the inner one |
/// | `constant` | the inner one, whose result does not move |
/// | `lift` | the inner one, whose result `lift` makes one of this backend |
/// | `primal` | the inner one of the primals of the float tensors, which are named before the semicolon |
/// | `still` | that, whose result does not move |
/// | a rule of [`rules`](crate::rules) | what it makes of the float tensors before the semicolon and the inner one |
macro_rules! delegate {
    ($($kind:ident $arguments:tt -> $result:ty: $($operation:ident),+;)+) => {
        $($(delegate!(@$kind $operation $arguments $result);)+)+
    };
    (@inner $operation:ident ($($argument:ident: $type:ty),*) $result:ty) => {
        fn $operation($($argument: $type),*) -> $result {
            B::$operation($($argument),*)
        }
    };
    (@constant $operation:ident ($($argument:ident: $type:ty),*) $result:ty) => {
        fn $operation($($argument: $type),*) -> $result {
            DualTensor::constant(B::$operation($($argument),*))
        }
    };
    (@lift $operation:ident ($($argument:ident: $type:ty),*) $result:ty) => {
        fn $operation($($argument: $type),*) -> $result {
            lift(B::$operation($($argument),*))
        }
    };
    (@primal $operation:ident ($($x:ident),+; $($argument:ident: $type:ty),*) $result:ty) => {
        fn $operation($($x: FloatTensor<Self>,)+ $($argument: $type),*) -> $result {
            B::$operation($($x.primal,)+ $($argument),*)
        }
    };
    (@still $operation:ident ($x:ident;) $result:ty) => {
        fn $operation($x: FloatTensor<Self>) -> $result {
            DualTensor::constant(B::$operation($x.primal))
        }
    };
    (@$rule:ident $operation:ident ($($x:ident),+; $($argument:ident: $type:ty),*) $result:ty) => {
        fn $operation($($x: FloatTensor<Self>,)+ $($argument: $type),*) -> $result {
            $rule($($x,)+ |$($x),+| B::$operation($($x,)+ $(Clone::clone(&$argument)),*))
        }
    };
}

pub(super) use delegate;
