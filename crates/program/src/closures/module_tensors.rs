//! The tensors of a module, each at its places.

use std::collections::{BTreeMap, VecDeque};

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::*},
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Bool, DType, Device, Float, Int, Shape, Tensor, kind},
};

use crate::ir::{
    spec::Spec,
    value::{moved, without_autodiff},
};

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
        let mut distinct: Vec<FoundTensor> = Vec::new();
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

    /// A copy of `module`, ready for inference, with other tensors, each at all its places, all on the device of these;
    /// where `tensors` has none, it stays as it is.
    ///
    /// # Panics
    /// If `module` has not the structure of the one that this was made of, or a tensor has another kind.
    pub fn put<M: Module>(&self, module: &M, tensors: &[Option<DispatchTensor>]) -> M {
        // A clone would share its running statistics with the module; `valid` copies them.
        let module = module.valid();
        let Some(first) = tensors.iter().flatten().next() else {
            return module;
        };
        let places = self.places.iter();
        let placed = places.map(|place| tensors[place.tensor?].clone());
        let module = module.map(&mut PutTensors(placed));
        module.to_device(&Device::new(first.device()))
    }

    /// `module`, another one of the same structure, with `tensors` in the places that have their paths; those that are
    /// not given stay as they are, and what requires gradients requires them still.
    ///
    /// # Errors
    /// What does not fit: places that it lacks, and those of another shape or type.
    pub fn write<M: Module>(
        &self,
        module: M,
        tensors: &[Option<DispatchTensor>],
    ) -> Result<M, Vec<String>> {
        // Several places may have one path, in a module that does not tell its fields' names: they are taken in order.
        let mut wanted: BTreeMap<&str, VecDeque<&DispatchTensor>> = BTreeMap::new();
        for (name, tensor) in self.places() {
            if let Some(tensor) = &tensors[tensor] {
                wanted.entry(name).or_default().push_back(tensor);
            }
        }
        let mut problems = Vec::new();
        let mut placed = Vec::new();
        for FoundTensor { name, tensor, .. } in Collect::of(&module) {
            let dtype = tensor.dtype();
            let float = dtype.is_float() || matches!(dtype, DType::QFloat(_));
            let queue = wanted.get_mut(name.as_str()).filter(|_| float);
            let new = queue.and_then(VecDeque::pop_front);
            if let Some(new) = new {
                let (expected, found) = (Spec::of(new), Spec::of(&tensor));
                if expected != found {
                    problems.push(format!(
                        "its `{name}` is {found}, and the model's {expected}"
                    ));
                }
            }
            placed.push(new.map(|new| moved(new.clone(), Some(&Device::new(tensor.device())))));
        }
        for (name, left) in wanted {
            if let Some(tensor) = left.front() {
                problems.push(format!("it has no `{name}` of {}", Spec::of(tensor)));
            }
        }
        match problems.is_empty() {
            true => Ok(module.map(&mut PutTensors(placed.into_iter()))),
            false => Err(problems),
        }
    }
}

/// What a place holds.
struct FoundTensor {
    name: String,
    id: ParamId,
    tensor: DispatchTensor,
    trainable: bool,
}

impl FoundTensor {
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
    found: Vec<FoundTensor>,
}

impl Collect {
    fn of<M: Module>(module: &M) -> Vec<FoundTensor> {
        let mut collect = Self::default();
        module.visit(&mut collect);
        collect.found
    }

    fn add(&mut self, id: ParamId, tensor: DispatchTensor, trainable: bool) {
        self.found.push(FoundTensor {
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

/// Puts other tensors in their places, on any device, where there are any.
struct PutTensors<I>(I);

impl<I: Iterator<Item = Option<DispatchTensor>>> PutTensors<I> {
    fn next(&mut self) -> Option<DispatchTensor> {
        self.0.next().expect("a module of the same structure")
    }
}

impl<I: Iterator<Item = Option<DispatchTensor>>> ModuleMapper for PutTensors<I> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(tensor) = self.next() else {
            return param;
        };
        param.map(|old| {
            let new = Tensor::from_dispatch(tensor);
            match old.is_autodiff() {
                true => new.autodiff().set_require_grad(old.is_require_grad()),
                false => new,
            }
        })
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
