//! One chain on its way.

use burn::tensor::Tensor;

use super::CoMoments;

/// Blocks of consecutive draws that the standard errors of one chain are from.
pub(super) const BLOCKS: usize = 8;

/// The block of the draw number `draw`, of `draws` in all.
pub(super) fn block(draw: usize, draws: usize) -> usize {
    draw * BLOCKS / draws
}

/// Where a chain is, and what it has seen: all that it takes to go on to the same bits.
#[derive(Clone, Debug)]
pub struct ChainState {
    /// Which of the chains, counted from 0.
    pub chain: usize,
    /// The parameters, `[dim]`.
    pub theta: Tensor<1>,
    /// Steps made, those of the burn-in included.
    pub steps: usize,
    /// The moments of each block of consecutive draws, in their order: as many blocks as were begun, eight in the end.
    pub blocks: Vec<CoMoments>,
    /// The mean training loss at each draw, without an L2 term, in the loss's own units.
    pub losses: Vec<f64>,
    /// What is measured at each draw, `[draws, rows]`, draw by draw.
    pub measured: Vec<f64>,
    /// Seconds by the clock so far.
    pub seconds: f64,
    /// The noise of the next step, where it is known.
    pub(super) noise: Option<Tensor<1>>,
}

impl ChainState {
    /// A chain as it was left: what a later process read of it.
    #[must_use]
    pub fn resumed(chain: usize, theta: Tensor<1>, steps: usize) -> Self {
        Self {
            chain,
            theta,
            steps,
            blocks: Vec::new(),
            losses: Vec::new(),
            measured: Vec::new(),
            seconds: 0.0,
            noise: None,
        }
    }

    /// Draws made.
    pub fn draws(&self) -> usize {
        self.losses.len()
    }

    /// Takes a draw, one of `draws` in all.
    pub(super) fn draw(&mut self, losses: &[f64], measured: &[f64], draws: usize) {
        let block = block(self.draws(), draws);
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, CoMoments::default);
        }
        self.blocks[block].add(losses, measured);
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        self.losses.push(mean);
        self.measured.extend_from_slice(measured);
    }
}
