//! The tensors of a module, each at its places.

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::*},
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Bool, Device, Float, Int, Shape, Tensor, kind},
};

use crate::ir::{spec::Spec, value::without_autodiff};

/// One tensor of a module, without its value.
#[derive(Clone, Debug)]
pub struct ModuleTensor {
    /// Its path in the module, such as `fc1.weight`: the first, if it is tied.
    pub name: String,
    /// Whether it is a float parameter that requires gradients.
    pub trainable: bool,
}

/// The float, int and bool tensors of a module in visiting order: parameters, frozen ones and running statistics.
///
/// A tensor is tied, and listed once, if several places hold it: parameters of the same id that are equal and equally
/// trainable, as `clone()` makes them. Burn trains clones apart, whatever their ids, and from then on they are two.
#[derive(Clone, Debug, Default)]
pub struct ModuleTensors {
    tensors: Vec<ModuleTensor>,
    places: Vec<ModulePlace>,
}

/// A place of a module that holds a tensor.
#[derive(Clone, Debug)]
struct ModulePlace {
    name: String,
    /// Position among the tensors; `None` for a quantized one, which cannot be traced.
    tensor: Option<usize>,
}

impl ModuleTensors {
    /// Those of `module`, with their values.
    pub fn of<M: Module>(module: &M) -> (Self, Vec<DispatchTensor>) {
        // Before it is trained, a module does not tell which parameters require gradients.
        let mut distinct: Vec<Found> = Vec::new();
        let mut all = Self::default();
        for found in Collect::of(&module.clone().train()) {
            let known = distinct.iter().position(|other| found.is(other));
            let tensor = found.is_plain().then(|| known.unwrap_or(distinct.len()));
            let name = found.name.clone();
            if tensor == Some(distinct.len()) {
                all.tensors.push(ModuleTensor {
                    name: name.clone(),
                    trainable: found.trainable,
                });
                distinct.push(found);
            }
            all.places.push(ModulePlace { name, tensor });
        }
        (
            all,
            distinct.into_iter().map(|found| found.tensor).collect(),
        )
    }

    /// The tensors, in visiting order.
    pub fn tensors(&self) -> &[ModuleTensor] {
        &self.tensors
    }

    /// All places in visiting order: their paths, and the positions of their tensors.
    pub fn places(&self) -> impl Iterator<Item = (&str, usize)> {
        let places = self.places.iter();
        places.filter_map(|place| Some((place.name.as_str(), place.tensor?)))
    }

    /// The same tensors of another copy of the module.
    pub(crate) fn read<M: Module>(&self, module: &M) -> Vec<DispatchTensor> {
        let mut tensors = Vec::with_capacity(self.tensors.len());
        for (place, found) in self.places.iter().zip(Collect::of(module)) {
            if place.tensor == Some(tensors.len()) {
                tensors.push(found.tensor);
            }
        }
        tensors
    }

    /// A copy of the module with other tensors, each at all its places; where `tensors` has none, it stays as it is.
    ///
    /// # Panics
    /// If `module` has not the structure of the one that this was made of, or a tensor has another kind.
    pub fn put<M: Module>(&self, module: M, tensors: &[Option<DispatchTensor>]) -> M {
        module.map(&mut Put {
            places: self.places.iter(),
            tensors,
        })
    }
}

/// What a place holds.
struct Found {
    name: String,
    id: ParamId,
    tensor: DispatchTensor,
    trainable: bool,
}

impl Found {
    /// Whether it is the same as `other`, tied to it.
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
            && self.trainable == other.trainable
            && self.is_plain()
            && Spec::of(&self.tensor) == Spec::of(&other.tensor)
            && Device::new(self.tensor.device()) == Device::new(other.tensor.device())
            && equal(&self.tensor, &other.tensor)
    }

    fn is_plain(&self) -> bool {
        let dtype = self.tensor.dtype();
        dtype.is_float() || dtype.is_int() || dtype.is_uint() || dtype.is_bool()
    }
}

/// Whether two tensors of one shape, type and device have the same elements.
fn equal(a: &DispatchTensor, b: &DispatchTensor) -> bool {
    fn of<K: kind::Basic>(a: DispatchTensor, b: DispatchTensor) -> bool {
        let [a, b] = [a, b].map(Tensor::<1, K>::from_dispatch);
        a.equal(b).all().into_data().iter::<bool>().all(|same| same)
    }
    let flat = Shape::new([a.shape().num_elements()]);
    let dtype = a.dtype();
    if dtype.is_float() {
        let flat = |t: &DispatchTensor| Dispatch::float_reshape(t.clone(), flat.clone());
        of::<Float>(flat(a), flat(b))
    } else if dtype.is_bool() {
        let flat = |t: &DispatchTensor| Dispatch::bool_reshape(t.clone(), flat.clone());
        of::<Bool>(flat(a), flat(b))
    } else {
        let flat = |t: &DispatchTensor| Dispatch::int_reshape(t.clone(), flat.clone());
        of::<Int>(flat(a), flat(b))
    }
}

/// Lists what all places hold.
#[derive(Default)]
struct Collect {
    path: Vec<String>,
    found: Vec<Found>,
}

impl Collect {
    fn of<M: Module>(module: &M) -> Vec<Found> {
        let mut collect = Self::default();
        module.visit(&mut collect);
        collect.found
    }

    fn add(&mut self, id: ParamId, tensor: DispatchTensor, trainable: bool) {
        self.found.push(Found {
            name: self.path.join("."),
            id,
            tensor: without_autodiff(tensor),
            trainable,
        });
    }
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let trainable = tensor.is_require_grad();
        self.add(param.id, tensor.into_dispatch(), trainable);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(param.id, param.val().into_dispatch(), false);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(param.id, param.val().into_dispatch(), false);
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

/// Puts other tensors in their places, on any device.
struct Put<'a> {
    places: std::slice::Iter<'a, ModulePlace>,
    tensors: &'a [Option<DispatchTensor>],
}

impl Put<'_> {
    fn next(&mut self) -> Option<DispatchTensor> {
        let place = self.places.next().expect("a module of the same structure");
        self.tensors[place.tensor?].clone()
    }
}

impl ModuleMapper for Put<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.next() {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor)),
            None => param,
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        match self.next() {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor)),
            None => param,
        }
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        match self.next() {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor)),
            None => param,
        }
    }
}
