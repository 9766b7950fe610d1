//! Where in a module an operation without a rule stands.

use backdraft_program::{
    Constant, ErrorLocation, Parameters, Program, ProgramError, Spec, Tensors, grad, hvp, jacobian,
    jvp,
};
use backdraft_test_support::*;
use burn::{
    Tensor,
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{
        Distribution, activation,
        ops::{GridSampleOptions, InterpolateMode},
    },
};

#[derive(Module, Debug)]
struct Block {
    linear: Linear,
    sample: bool,
    noise: bool,
}

/// Two blocks, the second of which does something that has no derivative rule.
#[derive(Module, Debug)]
struct Blocks {
    blocks: Vec<Block>,
    head: Linear,
}

impl Blocks {
    fn new(sample: bool, noise: bool) -> Self {
        let linear = || LinearConfig::new(4, 4).init(&device());
        let block = |sample, noise| Block {
            linear: linear(),
            sample,
            noise,
        };
        double(Self {
            blocks: vec![block(false, false), block(sample, noise)],
            head: linear(),
        })
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<1> {
        for block in &self.blocks {
            x = activation::tanh(block.linear.forward(x));
            if block.noise {
                x = x.clone() + x.random_like(Distribution::Default);
            }
            if block.sample {
                let grid = x.clone().reshape([1, 2, 2, 2]).expand([1, 2, 2, 2]);
                let image = x.clone().reshape([1, 1, 2, 4]);
                let options = GridSampleOptions::new(InterpolateMode::Nearest);
                x = image
                    .grid_sample_2d(grid, options)
                    .reshape([1, 4])
                    .repeat_dim(0, 2);
            }
        }
        self.head.forward(x).sum()
    }
}

/// The name of the input that an operation is downstream of.
fn place(error: ProgramError) -> Option<String> {
    match error {
        ProgramError::Unsupported { place, .. } => match place? {
            ErrorLocation::After(name) => Some(name),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn an_unsupported_operation_is_placed_by_name() {
    type Argument = (Parameters<Blocks>, Constant<Tensor<2>>);
    let f = |(net, Constant(x)): Argument| net.forward(x);
    let x = Constant(random([2, 4], 2));
    let net = Parameters::new(Blocks::new(true, false));
    let argument = (net.clone(), x.clone());
    let error = jvp(f, argument.clone(), argument.clone()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("downstream of `blocks.1.linear.bias`"),
        "{text}"
    );
    for error in [
        grad(f, argument.clone()).unwrap_err(),
        hvp(f, argument.clone(), argument.clone()).unwrap_err(),
        jacobian(f, argument.clone()).unwrap_err(),
        // Deep in another function.
        grad(|x| Ok(grad(f, x)?.ravel()?.sum()), argument).unwrap_err(),
    ] {
        assert_eq!(place(error).as_deref(), Some("blocks.1.linear.bias"));
    }

    let net = Parameters::new(Blocks::new(false, true));
    let error = grad(f, (net, x)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`Random` (downstream of `blocks.1.linear.bias`)"),
        "{error}"
    );
}

#[test]
fn names_stay_with_the_inputs_of_derived_programs() {
    let specs = [
        Spec::new([2, 2], burn::tensor::DType::F64),
        Spec::new([2, 2], burn::tensor::DType::F64),
    ];
    let program = Program::trace_named(&device().settings(), &specs, ["a", "b"], |inputs| {
        let [a, b] = inputs.try_into().expect("two inputs");
        let (a, b) = (Tensor::<2>::from_dispatch(a), Tensor::<2>::from_dispatch(b));
        let image = (a * b.clone()).reshape([1, 1, 2, 2]);
        let grid = (b.reshape([1, 1, 2, 2])).clamp(-1.0, 1.0);
        let sampled = image.grid_sample_2d(grid, GridSampleOptions::new(InterpolateMode::Nearest));
        Ok(vec![sampled.into_dispatch()])
    })
    .unwrap();
    let names = |program: &Program| program.input_names().map(String::from).collect::<Vec<_>>();
    assert_eq!(names(&program), ["a", "b"]);
    let split = program.linearize(&[1]).unwrap();
    assert_eq!(names(&split.fixed), ["a"]);
    assert_eq!(names(&split.varying)[..2], ["b", "a"]);
    assert_eq!(place(program.jvp(&[0]).unwrap_err()).as_deref(), Some("b"));
    assert_eq!(place(program.vjp(&[0]).unwrap_err()).as_deref(), Some("b"));
    let unnamed =
        Program::trace(program.settings(), &specs, |inputs| program.call(inputs)).unwrap();
    assert_eq!(place(unnamed.jvp(&[0]).unwrap_err()), None);
}
