//! Which training examples made a network behave like this, and how far can the answer be trusted?

pub mod output;
