//! What crosses crates: CPU against GPU, operators against dense matrices, the command line.
