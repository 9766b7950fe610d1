//! What is measured of one place of a query, such as a token of a sequence.

use std::sync::Arc;

use backdraft_curvature::{AnyLoss, Cost, CurvatureError, Examples, Rows, Slot, reject};
use burn::tensor::{Int, Shape, Tensor};

/// A function of the outputs at one place of each example. The last of its targets is the place.
pub(super) struct AtPlace {
    pub of: Arc<dyn AnyLoss>,
    /// Places that an example has.
    pub places: usize,
}

impl AnyLoss for AtPlace {
    fn slots(&self) -> Vec<Slot> {
        with_place(&*self.of)
    }

    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        let width = outputs.num_elements() / outputs[0].max(1);
        if self.places == 0 || !width.is_multiple_of(self.places) {
            return Err(format!(
                "the {width} outputs of an example are not {} places with as many each",
                self.places
            ));
        }
        let at = Shape::new([outputs[0], width / self.places]);
        self.of.fits(&at, &targets[..targets.len() - 1])
    }

    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1> {
        let (targets, place) = split(targets);
        let [batch, width] = outputs.dims();
        let each = width / self.places;
        let place = place.reshape([batch, 1, 1]).expand([batch, 1, each]);
        let outputs = outputs.reshape([batch, self.places, each]);
        let at = outputs.gather(1, place).reshape([batch, each]);
        self.of.losses(at, targets)
    }

    fn inspect(&self, targets: &[Rows], outputs: usize) -> Result<(), CurvatureError> {
        let (targets, place) = split(targets);
        check_places(&place, self.places)?;
        self.of.inspect(targets, outputs / self.places)
    }
}

/// What one place of each example adds to its loss. The last of its targets is the place.
pub(super) struct PartAt {
    of: Arc<dyn AnyLoss>,
    places: usize,
}

impl PartAt {
    /// Of the loss of `train`, whose examples must have so many places.
    pub fn new(train: &Cost, places: usize) -> Result<Self, CurvatureError> {
        let [_, found] = train.select(&[0])?.place_losses()?.dims();
        match found == places {
            true => Ok(Self {
                of: train.loss().clone(),
                places,
            }),
            false => Err(CurvatureError::Setting {
                name: "places",
                problem: format!("is {places}, and the loss of an example has {found}"),
            }),
        }
    }
}

impl AnyLoss for PartAt {
    fn slots(&self) -> Vec<Slot> {
        with_place(&*self.of)
    }

    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        self.of.fits(outputs, &targets[..targets.len() - 1])
    }

    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1> {
        let (targets, place) = split(targets);
        let parts = self.of.place_losses(outputs, targets);
        let parts = parts.expect("the loss has places");
        let [batch, _] = parts.dims();
        parts.gather(1, place.reshape([batch, 1])).reshape([batch])
    }

    fn inspect(&self, targets: &[Rows], outputs: usize) -> Result<(), CurvatureError> {
        let (targets, place) = split(targets);
        check_places(&place, self.places)?;
        self.of.inspect(targets, outputs)
    }
}

/// What the targets of `of` and a place must be.
fn with_place(of: &dyn AnyLoss) -> Vec<Slot> {
    let mut slots = of.slots();
    slots.extend(<Tensor<1, Int> as Examples>::slots());
    slots
}

fn split(targets: &[Rows]) -> (&[Rows], Tensor<1, Int>) {
    let (place, targets) = targets.split_last().expect("the place is a target");
    (targets, place.clone().into_tensor())
}

/// Refuses places that there are not.
fn check_places(place: &Tensor<1, Int>, places: usize) -> Result<(), CurvatureError> {
    let low = place.clone().lower_elem(0);
    let wrong = low.bool_or(place.clone().greater_equal_elem(places as i64));
    reject("place", place, wrong, || {
        format!("there are {places} places, counted from 0")
    })
}
