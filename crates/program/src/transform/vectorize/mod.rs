//! Programs that compute a program for many arguments at once.

mod activation;
mod base;
mod convolution;
mod fold;
mod indexing;
mod linear;
mod matmul;
mod module;
mod numeric;
mod vectorizer;
mod vmap;
