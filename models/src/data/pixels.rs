use super::standardise::Moments;

/// How the bytes of pictures become numbers: `(byte - mean) / std`, channel by channel.
pub(crate) struct Channels {
    moments: Vec<Moments>,
    /// Pixels of a channel.
    area: usize,
}

impl Channels {
    /// Standardises each channel with these pictures' statistics, in 0 to 255.
    pub(crate) fn of(pixels: &[u8], channels: usize, area: usize) -> Self {
        let mut counts = vec![[0_u64; 256]; channels];
        for picture in pixels.chunks_exact(channels * area) {
            for (counts, channel) in counts.iter_mut().zip(picture.chunks_exact(area)) {
                for &pixel in channel {
                    counts[usize::from(pixel)] += 1;
                }
            }
        }
        Self {
            moments: counts.iter().map(moments).collect(),
            area,
        }
    }

    /// Divides by 255, as IDX pictures are.
    pub(crate) fn unit(channels: usize, area: usize) -> Self {
        let moments = Moments {
            mean: 0.0,
            std: 255.0,
        };
        Self {
            moments: vec![moments; channels],
            area,
        }
    }

    /// The numbers of pictures one after another.
    pub(crate) fn scale(&self, pixels: &[u8]) -> Vec<f32> {
        let tables: Vec<[f32; 256]> = self
            .moments
            .iter()
            .map(|moments| std::array::from_fn(|byte| moments.standardise(byte as f64) as f32))
            .collect();
        pixels
            .chunks_exact(self.area)
            .zip(tables.iter().cycle())
            .flat_map(|(channel, table)| channel.iter().map(|&pixel| table[usize::from(pixel)]))
            .collect()
    }

    /// The statistics of every pixel, for each of them its channel's.
    pub(crate) fn columns(&self) -> Vec<Moments> {
        self.moments
            .iter()
            .flat_map(|&moments| std::iter::repeat_n(moments, self.area))
            .collect()
    }

    /// A name for every pixel: `p0` and so on in grey, `r0`, `g0` and `b0` in colour.
    pub(crate) fn names(&self) -> Vec<String> {
        let letters = if self.moments.len() == 1 { "p" } else { "rgb" };
        letters
            .chars()
            .flat_map(|letter| (0..self.area).map(move |pixel| format!("{letter}{pixel}")))
            .collect()
    }
}

/// Mean and standard deviation of bytes, of which each occurs so many times.
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
        mean,
        std: if constant { 0.0 } else { variance.sqrt() },
    }
}
