//! From bytes of pixels to numbers.

use super::moments::Moments;
use super::moments_of::MomentsOf;
use super::rule::ScalingRule;
use super::scaling::{CHANNELS, Rescale, Scaling, ScalingProblem};

/// The brightest that a byte can be.
const BRIGHTEST: f64 = 255.0;

/// Pixels of pictures one after another, channel by channel.
pub(crate) enum Pixels {
    /// From 0 to 255, as files of pictures have them.
    Bytes(Vec<u8>),
    /// Numbers that take the place of pixels from 0 to 1.
    Numbers(Vec<f64>),
}

/// How the bytes of pictures become numbers, channel by channel. The source's own numbers are pixels from 0 to 1.
pub(crate) struct Channels {
    scaling: Scaling,
    /// Pixels of a channel.
    area: usize,
}

impl Channels {
    /// Scales as `asked`, with the statistics of the training part's pictures, or of those of both parts.
    pub(crate) fn new(
        (asked, of): (&Rescale, MomentsOf),
        parts: [&[u8]; 2],
        channels: usize,
        area: usize,
    ) -> Result<Self, ScalingProblem> {
        let parts = match of {
            MomentsOf::Train => &parts[..1],
            MomentsOf::All => &parts,
        };
        let scaling = Scaling::settle((asked, of), channels, CHANNELS, |rule| match rule {
            ScalingRule::Standardised => statistics(parts, channels, area),
            rule => vec![by_peak(rule, BRIGHTEST); channels],
        })?;
        Ok(Self { scaling, area })
    }

    /// The same of pixels of either kind, which is that of both parts.
    pub(crate) fn of(
        (asked, whose): (&Rescale, MomentsOf),
        parts: [&Pixels; 2],
        channels: usize,
        area: usize,
    ) -> Result<Self, ScalingProblem> {
        let [train, test] = match parts {
            [Pixels::Bytes(train), Pixels::Bytes(test)] => {
                return Self::new((asked, whose), [train, test], channels, area);
            }
            parts => parts.map(Pixels::unit_interval),
        };
        let measured = match whose {
            MomentsOf::Train => vec![&train],
            MomentsOf::All => vec![&train, &test],
        };
        let cells = |channel: usize| {
            let pictures = measured
                .iter()
                .flat_map(move |part| part.chunks_exact(area));
            let own = pictures.skip(channel).step_by(channels);
            own.flat_map(|pixels| pixels.iter().copied())
        };
        let scaling = Scaling::settle((asked, whose), channels, CHANNELS, |rule| {
            let channels = 0..channels;
            channels.map(|it| Moments::by(rule, cells(it))).collect()
        })?;
        Ok(Self { scaling, area })
    }

    /// The numbers of pictures of either kind.
    pub(crate) fn numbers(&self, pixels: &Pixels) -> Result<Vec<f32>, ScalingProblem> {
        match pixels {
            Pixels::Bytes(bytes) => self.scale(bytes),
            Pixels::Numbers(numbers) => {
                let columns = self.area * self.scaling.moments.len();
                self.scaling.apply(numbers, columns)
            }
        }
    }

    /// The numbers of pictures one after another.
    pub(crate) fn scale(&self, pixels: &[u8]) -> Result<Vec<f32>, ScalingProblem> {
        let bytes: Vec<f64> = (0..=u8::MAX)
            .map(|byte| f64::from(byte) / BRIGHTEST)
            .collect();
        let moments = self.scaling.moments.iter();
        let tables = moments
            .map(|&moments| Scaling::given(vec![moments]).apply(&bytes, bytes.len()))
            .collect::<Result<Vec<_>, _>>()?;
        let channels = pixels.chunks_exact(self.area).zip(tables.iter().cycle());
        Ok(channels
            .flat_map(|(channel, table)| channel.iter().map(|&pixel| table[usize::from(pixel)]))
            .collect())
    }

    /// A name for every pixel: `p0` and so on in grey, `r0`, `g0` and `b0` in colour.
    pub(crate) fn names(&self) -> Vec<String> {
        let letters = if self.scaling.moments.len() == 1 {
            "p"
        } else {
            "rgb"
        };
        letters
            .chars()
            .flat_map(|letter| (0..self.area).map(move |pixel| format!("{letter}{pixel}")))
            .collect()
    }

    /// What was done.
    pub(crate) fn into_scaling(self) -> Scaling {
        self.scaling
    }
}

impl Pixels {
    /// The numbers themselves, where a byte of 255 is 1.
    fn unit_interval(&self) -> Vec<f64> {
        match self {
            Self::Bytes(bytes) => bytes.iter().map(|&it| f64::from(it) / BRIGHTEST).collect(),
            Self::Numbers(numbers) => numbers.clone(),
        }
    }
}

/// The moments of a rule that asks nothing of the training part, for pixels that go up to `peak` in their files.
pub(crate) fn by_peak(rule: ScalingRule, peak: f64) -> Moments {
    match rule {
        ScalingRule::Raw => Moments {
            mean: 0.0,
            std: 1.0 / peak,
        },
        _ => Moments::IDENTITY,
    }
}

/// The statistics of each channel.
fn statistics(parts: &[&[u8]], channels: usize, area: usize) -> Vec<Moments> {
    let mut counts = vec![[0_u64; 256]; channels];
    for picture in parts
        .iter()
        .flat_map(|part| part.chunks_exact(channels * area))
    {
        for (counts, channel) in counts.iter_mut().zip(picture.chunks_exact(area)) {
            for &pixel in channel {
                counts[usize::from(pixel)] += 1;
            }
        }
    }
    counts.iter().map(moments).collect()
}

/// Mean and standard deviation of pixels from 0 to 1, of which each byte occurs so many times.
fn moments(counts: &[u64; 256]) -> Moments {
    let total = counts.iter().sum::<u64>() as f64;
    // Whole numbers below 2^53: the sum is exact for up to 10^13 pixels.
    let sum: u64 = (0_u64..)
        .zip(counts)
        .map(|(byte, count)| byte * count)
        .sum();
    let mean = sum as f64 / total;
    let square = |(byte, &count): (u32, &u64)| count as f64 * (f64::from(byte) - mean).powi(2);
    let variance = (0..).zip(counts).map(square).sum::<f64>() / total;
    // Rounding in the mean must not give a constant channel a deviation.
    let constant = counts.iter().filter(|&&count| count > 0).count() < 2;
    Moments {
        mean: mean / BRIGHTEST,
        std: if constant {
            0.0
        } else {
            variance.sqrt() / BRIGHTEST
        },
    }
}
