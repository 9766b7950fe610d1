//! The Jacobian of a module's outputs with respect to its inputs and to its parameters, beside central differences.
//!
//! Run it with `cargo run --release --package backdraft-program --example jacobian`.

use backdraft_program::{Constant, Parameters, ProgramError, Tensors, jacobian};
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor, activation},
};

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    last: Linear,
}

impl Net {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.last.forward(activation::gelu(self.first.forward(x)))
    }
}

/// The module in double precision, so that differences are worth looking at.
fn double<M: Module>(module: M) -> M {
    struct Double;
    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(DType::F64))
        }
    }
    module.map(&mut Double)
}

/// `(f(x + h e_j) - f(x - h e_j)) / 2h` for every coordinate `j` of `x`: the columns of the Jacobian.
fn differences<X: Tensors>(f: impl Fn(X) -> Tensor<2>, x: &X) -> Result<Tensor<2>, ProgramError> {
    let flat = x.ravel()?;
    let [len] = flat.dims();
    let h = 1e-5;
    let column = |j: usize| {
        let at = |move_by: f64| {
            let moved = flat.clone().slice(j..j + 1) + move_by;
            Ok(f(x.unravel(flat.clone().slice_assign(j..j + 1, moved))?))
        };
        let difference: Tensor<2> = (at(h)? - at(-h)?) / (2.0 * h);
        difference.ravel()
    };
    let columns = (0..len).map(column).collect::<Result<_, ProgramError>>()?;
    Ok(Tensor::stack(columns, 1))
}

fn compare(title: &str, exact: Tensor<2>, differences: Tensor<2>) {
    let [rows, columns] = exact.dims();
    println!("{title}: {rows} x {columns}\n");
    println!("  row  column             exact        difference");
    let error = (exact.clone() - differences.clone()).abs().max();
    let list = |t: Tensor<2>| t.into_data().iter::<f64>().collect::<Vec<_>>();
    let (exact, differences) = (list(exact), list(differences));
    for i in 0..rows {
        for j in 0..columns.min(4) {
            let (a, b) = (exact[i * columns + j], differences[i * columns + j]);
            println!("{i:5} {j:7}  {a:16.12}  {b:16.12}");
        }
    }
    println!(
        "\n  largest difference of all elements: {:.1e}\n",
        error.into_scalar::<f64>()
    );
}

fn main() -> Result<(), ProgramError> {
    let device = Device::flex();
    device.seed(0);
    let net = Parameters::new(double(Net {
        first: LinearConfig::new(3, 6).init(&device),
        last: LinearConfig::new(6, 2).init(&device),
    }));
    let x = Tensor::<2>::from_data([[0.3, -1.2, 0.8], [1.0, 0.5, -0.4]], (&device, DType::F64));

    let by_input = |(Constant(net), x): (Constant<Parameters<Net>>, Tensor<2>)| net.forward(x);
    let exact = jacobian(by_input, (Constant(net.clone()), x.clone()))?;
    compare("by the inputs", exact, differences(|x| net.forward(x), &x)?);

    let by_parameters = |(net, Constant(x)): (Parameters<Net>, Constant<Tensor<2>>)| net.forward(x);
    let exact = jacobian(by_parameters, (net.clone(), Constant(x.clone())))?;
    let nearby = differences(|net: Parameters<Net>| net.forward(x.clone()), &net)?;
    compare("by the parameters", exact, nearby);
    Ok(())
}
