//! A tensor of a module that has a name of its own and any rank.

use burn::{
    Tensor,
    backend::DispatchTensor,
    module::{Devices, Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Device, Shape},
};

/// A float tensor of a file: a parameter, or a constant that is kept with them.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    /// Its name in the file.
    pub(crate) name: String,
    tensor: AnyRank,
}

/// A parameter of any rank: Burn's modules know ranks by their types.
#[derive(Clone, Debug)]
enum AnyRank {
    R1(Param<Tensor<1>>),
    R2(Param<Tensor<2>>),
    R3(Param<Tensor<3>>),
    R4(Param<Tensor<4>>),
    R5(Param<Tensor<5>>),
    R6(Param<Tensor<6>>),
}

/// The same for each rank.
macro_rules! each {
    ($tensor:expr, $param:ident => $body:expr) => {
        match $tensor {
            AnyRank::R1($param) => $body,
            AnyRank::R2($param) => $body,
            AnyRank::R3($param) => $body,
            AnyRank::R4($param) => $body,
            AnyRank::R5($param) => $body,
            AnyRank::R6($param) => $body,
        }
    };
}

/// The same for each rank, of which comes a parameter of that rank.
macro_rules! map_each {
    ($tensor:expr, $param:ident => $body:expr) => {
        match $tensor {
            AnyRank::R1($param) => AnyRank::R1($body),
            AnyRank::R2($param) => AnyRank::R2($body),
            AnyRank::R3($param) => AnyRank::R3($body),
            AnyRank::R4($param) => AnyRank::R4($body),
            AnyRank::R5($param) => AnyRank::R5($body),
            AnyRank::R6($param) => AnyRank::R6($body),
        }
    };
}

fn param<const D: usize>(tensor: DispatchTensor, trainable: bool) -> Param<Tensor<D>> {
    let tensor = Tensor::from_dispatch(tensor);
    match trainable {
        true => Param::from_tensor(tensor),
        false => Param::initialized(ParamId::new(), tensor),
    }
}

impl Weight {
    /// `tensor` with a name, if it has one to six axes.
    pub(crate) fn new(name: String, tensor: DispatchTensor, trainable: bool) -> Option<Self> {
        let tensor = match crate::value::dims(&tensor).len() {
            1 => AnyRank::R1(param(tensor, trainable)),
            2 => AnyRank::R2(param(tensor, trainable)),
            3 => AnyRank::R3(param(tensor, trainable)),
            4 => AnyRank::R4(param(tensor, trainable)),
            5 => AnyRank::R5(param(tensor, trainable)),
            6 => AnyRank::R6(param(tensor, trainable)),
            _ => return None,
        };
        Some(Self { name, tensor })
    }

    /// Its numbers.
    pub(crate) fn value(&self) -> DispatchTensor {
        each!(&self.tensor, param => param.val().into_dispatch())
    }

    pub(crate) fn shape(&self) -> Shape {
        each!(&self.tensor, param => param.lazy_shape())
    }

    pub(crate) fn device(&self) -> Device {
        each!(&self.tensor, param => param.lazy_device())
    }

    fn with(self, f: impl FnOnce(AnyRank) -> AnyRank) -> Self {
        Self {
            name: self.name,
            tensor: f(self.tensor),
        }
    }
}

impl Module for Weight {
    fn collect_devices(&self, devices: Devices) -> Devices {
        each!(&self.tensor, param => Module::collect_devices(param, devices))
    }

    fn fork(self, device: &Device) -> Self {
        self.with(|tensor| map_each!(tensor, param => Module::fork(param, device)))
    }

    fn to_device(self, device: &Device) -> Self {
        self.with(|tensor| map_each!(tensor, param => Module::to_device(param, device)))
    }

    fn train(self) -> Self {
        self.with(|tensor| map_each!(tensor, param => Module::train(param)))
    }

    fn valid(&self) -> Self {
        Self {
            name: self.name.clone(),
            tensor: map_each!(&self.tensor, param => Module::valid(param)),
        }
    }

    fn materialize(self) -> Self {
        self.with(|tensor| map_each!(tensor, param => Module::materialize(param)))
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visitor.enter_module(&self.name, "Struct:OnnxModel");
        each!(&self.tensor, param => Module::visit(param, visitor));
        visitor.exit_module(&self.name, "Struct:OnnxModel");
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        mapper.enter_module(&self.name, "Struct:OnnxModel");
        let tensor = map_each!(self.tensor, param => Module::map(param, mapper));
        mapper.exit_module(&self.name, "Struct:OnnxModel");
        Self {
            name: self.name,
            tensor,
        }
    }
}
