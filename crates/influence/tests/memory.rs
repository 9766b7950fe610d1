//! What solving as a block needs in memory: what it was given.
//!
//! By an allocator that counts, of which a process has one: in a file of its own.
#![expect(unsafe_code, reason = "an allocator is unsafe; this one hands all on")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use backdraft_curvature::{CurvatureError, LinearOperator};
use backdraft_influence::{ConjugateGradientConfig, Preconditioner, Solver};
use burn::tensor::{DType, Device, Tensor, TensorData};

const DIM: usize = 5_000;
const VECTOR: usize = 8 * DIM;
const COUNT: usize = 40;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts bytes, and their peak.
struct Counting;

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Eigenvalues from 0.01 to 1, most of them small: a product takes as much memory as its vectors.
struct Diagonal(Tensor<2>);

impl Diagonal {
    fn new() -> Self {
        let values = (0..DIM).map(|i| 0.01 + 1.0 / (1.0 + i as f64 / 50.0));
        Self(tensor(values.collect(), [1, DIM]))
    }
}

impl LinearOperator for Diagonal {
    fn dim(&self) -> usize {
        DIM
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        DType::F64
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.apply_many(v.unsqueeze_dim(0))?.squeeze_dim(0))
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        Ok(vs * self.0.clone())
    }
}

fn tensor(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(values, shape),
        (&Device::flex(), DType::F64),
    )
}

fn right_hand_sides() -> Vec<Tensor<1>> {
    let wave = |i: usize| (0..DIM).map(move |j| ((j + 1) as f64 * (i as f64 + 1.7)).sin());
    (0..COUNT)
        .map(|i| tensor(wave(i).collect(), [1, DIM]).squeeze_dim(0))
        .collect()
}

/// What solving takes beside what is there before, in vectors, and the products that it took.
fn taken(config: ConjugateGradientConfig) -> (usize, f64) {
    let (operator, rhs) = (Diagonal::new(), right_hand_sides());
    let solver = config.init().unwrap();
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let inverse = solver.prepare(&operator).unwrap();
    let found = inverse.solve_many(rhs).unwrap();
    let used = PEAK.load(Ordering::Relaxed) - before;
    let products = found.into_iter().map(|it| it.unwrap().info.products);
    (used / VECTOR, products.sum())
}

#[test]
fn a_block_takes_the_memory_that_it_is_given() {
    // Right-hand sides scaled, solutions, and what a product is put together in.
    const BESIDE: usize = 3 * COUNT;
    let mut products = Vec::new();
    for vectors in [100, 400, 1_000, 1_500] {
        for preconditioner in [Preconditioner::None, Preconditioner::Recycled] {
            let told = format!("{vectors} {preconditioner:?}");
            let (used, took) = taken(ConjugateGradientConfig {
                tolerance: Some(1e-6),
                memory: vectors * VECTOR,
                preconditioner,
                ..Default::default()
            });
            println!("{told}: {used} vectors, {took} products");
            assert!(used <= vectors + BESIDE, "{told}: {used}");
            products.push((used, took));
        }
    }
    // More of it is taken, and of use.
    assert!(products[6].0 > 1_000, "{products:?}");
    assert!(products[6].1 < products[0].1, "{products:?}");
}
