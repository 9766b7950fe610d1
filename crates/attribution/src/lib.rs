//! Which training examples made a network behave as it does, and how far that answer can be trusted: for any Burn module and any
//! data.
