//! The floating-point tensors of a module, one after the other: parameters and running statistics.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Shape, Tensor, TensorData};

/// A floating-point tensor of a module.
pub(crate) struct NamedTensor {
    /// Its path in the module, such as `fc1.weight`.
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// Its elements, `[elements]`, without autodiff.
    pub(crate) value: Tensor<1>,
    /// Whether it requires gradients, which nothing does in a module without autodiff.
    pub(crate) trainable: bool,
}

impl NamedTensor {
    /// Its elements in its shape, bit for bit.
    pub(crate) fn to_data(&self) -> TensorData {
        let (bytes, _, dtype) = self.value.to_data().into_parts();
        TensorData::from_bytes(bytes, self.shape.clone(), dtype)
    }

    fn of<const D: usize>(path: &[String], param: &Param<Tensor<D>>) -> Self {
        let tensor = param.val();
        Self {
            name: path.join("."),
            shape: tensor.shape(),
            trainable: tensor.is_require_grad(),
            value: tensor.without_autodiff().reshape([-1]),
        }
    }
}

/// Those of `module`, in its order.
pub(crate) fn tensors<M: Module>(module: &M) -> Vec<NamedTensor> {
    let mut found = Vec::new();
    visit(module, &mut GradientsParams::new(), |tensor, _| {
        found.push(tensor)
    });
    found
}

/// The trainable ones of `module`, in its order, each with its gradient, `[elements]`: 0 where there is none.
pub(crate) fn with_gradients<M: Module>(
    module: &M,
    mut gradients: GradientsParams,
) -> Vec<(NamedTensor, Tensor<1>)> {
    let mut found = Vec::new();
    visit(module, &mut gradients, |tensor, gradient| {
        if tensor.trainable {
            let gradient = gradient.unwrap_or_else(|| tensor.value.zeros_like());
            found.push((tensor, gradient));
        }
    });
    found
}

fn visit<M: Module>(
    module: &M,
    gradients: &mut GradientsParams,
    each: impl FnMut(NamedTensor, Option<Tensor<1>>),
) {
    struct Visit<'a, F> {
        path: Vec<String>,
        gradients: &'a mut GradientsParams,
        each: F,
    }

    impl<F: FnMut(NamedTensor, Option<Tensor<1>>)> ModuleVisitor for Visit<'_, F> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.gradients.remove::<D>(param.id);
            let gradient = gradient.map(|gradient| gradient.reshape([-1]));
            (self.each)(NamedTensor::of(&self.path, param), gradient);
        }
    }

    module.visit(&mut Visit {
        path: Vec::new(),
        gradients,
        each,
    });
}

/// `module` with other elements in its tensors, those that `new` gives, `[elements]` and without autodiff; where it
/// gives none, a tensor stays as it is. What requires gradients requires them still.
///
/// A clone of a module shares running statistics with it, which change in both; `valid` copies them.
pub(crate) fn replace<M: Module>(
    module: M,
    new: impl FnMut(NamedTensor) -> Option<Tensor<1>>,
) -> M {
    struct Replace<F> {
        path: Vec<String>,
        new: F,
    }

    impl<F: FnMut(NamedTensor) -> Option<Tensor<1>>> ModuleMapper for Replace<F> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let old = NamedTensor::of(&self.path, &param);
            let shape = old.shape.clone();
            let Some(new) = (self.new)(old) else {
                return param;
            };
            let new = new.reshape(shape);
            param.map(|old| match old.is_autodiff() {
                true => Tensor::from_inner(new).set_require_grad(old.is_require_grad()),
                false => new,
            })
        }
    }

    module.map(&mut Replace {
        path: Vec::new(),
        new,
    })
}
