//! Normal numbers, and the quantiles of their distribution.

use std::f64::consts::TAU;

use rand::Rng;

/// Independent standard normal numbers (Box & Muller 1958).
pub(crate) fn normals(rng: &mut impl Rng, count: usize) -> Vec<f64> {
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        // In (0, 1], of which there is a logarithm.
        let uniform = 1.0 - rng.random::<f64>();
        let (length, angle) = ((-2.0 * uniform.ln()).sqrt(), TAU * rng.random::<f64>());
        let (sine, cosine) = angle.sin_cos();
        numbers.extend([length * cosine, length * sine]);
    }
    numbers.truncate(count);
    numbers
}

/// The number below which a standard normal one is with the probability `p`, between 0 and 1, to seven digits (Wichura
/// 1988, algorithm AS 241, PPND7).
pub(super) fn quantile(p: f64) -> f64 {
    let from_centre = p - 0.5;
    if from_centre.abs() <= 0.425 {
        let r = 0.180_625 - from_centre * from_centre;
        return from_centre
            * ratio(
                r,
                [
                    3.387_132_717_9,
                    50.434_271_938,
                    159.291_132_02,
                    59.109_374_72,
                ],
                [1.0, 17.895_169_469, 78.757_757_664, 67.187_563_6],
            );
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(
            r - 1.6,
            [
                1.423_437_277_7,
                2.756_815_39,
                1.306_728_481_6,
                0.170_238_211_03,
            ],
            [1.0, 0.737_001_642_5, 0.120_211_329_75, 0.0],
        )
    } else {
        ratio(
            r - 5.0,
            [
                6.657_905_115,
                3.081_226_386,
                0.428_682_943_37,
                0.017_337_203_997,
            ],
            [1.0, 0.241_978_942_25, 0.012_258_202_635, 0.0],
        )
    };
    size.copysign(from_centre)
}

/// A quotient of polynomials, the constant terms first.
fn ratio(x: f64, above: [f64; 4], below: [f64; 4]) -> f64 {
    let value = |terms: [f64; 4]| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
    value(above) / value(below)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        let known = [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196),
            (0.975, 1.959_963_984_540),
            (0.999, 3.090_232_306_168),
            (1e-9, -5.997_807_015_008),
            (1e-12, -7.034_483_825_301),
        ];
        for (p, expected) in known {
            // Seven digits, as the algorithm promises.
            let error = (quantile(p) - expected).abs();
            assert!(error <= 1e-6 * expected.abs(), "{p}: {error:.1e}");
        }
    }

    #[test]
    fn normal_numbers_have_the_moments_of_normal_numbers() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let numbers = normals(&mut rng, 100_001);
        assert_eq!(numbers.len(), 100_001);
        let mean = |of: fn(f64) -> f64| {
            numbers.iter().map(|it| of(*it)).sum::<f64>() / numbers.len() as f64
        };
        // Five standard errors: the variances of x, x^2 and x^4 are 1, 2 and 96.
        let error = |variance: f64| 5.0 * (variance / numbers.len() as f64).sqrt();
        assert!(mean(|x| x).abs() < error(1.0));
        assert!((mean(|x| x * x) - 1.0).abs() < error(2.0));
        assert!((mean(|x| x.powi(4)) - 3.0).abs() < error(96.0));
        let next: f64 = numbers.windows(2).map(|it| it[0] * it[1]).sum();
        assert!((next / numbers.len() as f64).abs() < error(1.0));
    }
}
