//! A module as a value made of tensors.

use std::{ops::Deref, sync::Arc};

use burn::{backend::DispatchTensor, module::Module};

use crate::{
    closures::{
        module_tensors::ModuleTensors,
        tensors::{Leaves, Tensors},
    },
    ir::value::Value,
};

/// A Burn module as an argument to differentiate by: its trainable float parameters.
///
/// A parameter that several layers share counts once ([`ModuleTensors`] says which are shared). Frozen parameters,
/// running statistics and int or bool parameters are passed through and not differentiated. A gradient by a module is a
/// module too, with the gradient of each parameter in its place. The module is evaluated as in inference: no dropout,
/// batch norm with its running statistics.
///
/// It dereferences to the module: `net.forward(x)`.
///
/// ```
/// use backdraft_program::{Constant, Parameters, Tensors, grad};
/// use burn::{nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
///
/// let device = Device::flex();
/// let net = Parameters::new(LinearConfig::new(3, 1).init(&device));
/// let x = Tensor::<2>::ones([4, 3], &device);
/// let loss = |(net, Constant(x)): (Parameters<Linear>, Constant<Tensor<2>>)| net.forward(x).sum();
/// let (gradient, _) = grad(loss, (net.clone(), Constant(x)))?;
/// assert_eq!(gradient.weight.val().into_data(), Tensor::<2>::full([3, 1], 4.0, &device).into_data());
/// // A step of gradient descent.
/// let net = net.unravel(net.ravel()? - gradient.ravel()? * 0.1)?;
/// # let _ = net.into_module();
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parameters<M> {
    module: M,
    /// While the module is traced, itself before: the tensors in it that are not parameters cannot come back from a
    /// trace.
    outside: Option<Arc<M>>,
    tensors: Arc<ModuleTensors>,
}

impl<M: Module> Parameters<M> {
    /// The parameters of `module`.
    ///
    /// # Panics
    /// If the module is being traced already: hand on the `Parameters` that it came in.
    pub fn new(module: M) -> Self {
        let (tensors, _) = ModuleTensors::of(&module);
        Self {
            tensors: Arc::new(tensors),
            module: module.valid(),
            outside: None,
        }
    }

    /// The module, ready for inference. Call its `train` to train it on with Burn.
    pub fn into_module(self) -> M {
        self.module
    }
}

impl<M> Deref for Parameters<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.module
    }
}

impl<M: Module> Tensors for Parameters<M> {
    fn visit(&self, leaves: &mut Leaves) {
        let found = self.tensors.read(&self.module);
        for (tensor, known) in found.into_iter().zip(self.tensors.tensors()) {
            leaves.within(&known.name, |leaves| match known.trainable {
                true => leaves.push(tensor),
                false => leaves.constant(|leaves| leaves.push(tensor)),
            });
        }
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        let count = self.tensors.tensors().len();
        let tensors: Vec<_> = tensors.take(count).map(Some).collect();
        assert_eq!(
            tensors.len(),
            count,
            "a module is rebuilt from as many tensors as it holds"
        );
        let mut found = tensors.iter().flatten();
        let traced = found.any(|t| Value::from_dispatch(t.clone()).is_some());
        let source = self.outside.as_deref().unwrap_or(&self.module);
        let module = self.tensors.put(source, &tensors);
        let outside = traced.then(|| match &self.outside {
            Some(outside) => outside.clone(),
            None => Arc::new(self.module.clone()),
        });
        Self {
            module,
            outside,
            tensors: self.tensors.clone(),
        }
    }
}
