//! Forward-mode automatic differentiation for Burn: the backend decorator `Dual`.
