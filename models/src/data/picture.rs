//! Reading one PNG picture.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind};
use std::path::Path;

use png::{ColorType, DecodeOptions, Decoder, DecodingError, Transformations};

use super::error::DataError;
use super::problem::{DataProblem, PictureProblem};

/// Numbers (channels times height times width) that a picture has at most: 256 MiB as an example of 32-bit numbers.
const NUMBERS: u64 = 1 << 26;

/// Channels, height and width of a PNG file, from its header alone.
pub(crate) fn size(path: &Path) -> Result<[usize; 3], DataError> {
    let mut decoder = decoder(path)?;
    let info = decoder
        .read_header_info()
        .map_err(|error| DataError::new(path, malformed(error)))?;
    let channels = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 3,
    };
    let found = [channels, info.height as usize, info.width as usize];
    match numbers(&found) {
        ..=NUMBERS => Ok(found),
        numbers => {
            let most = NUMBERS;
            let problem = PictureProblem::TooLarge {
                found,
                numbers,
                most,
            };
            Err(DataError::new(path, problem))
        }
    }
}

/// The pixels of a PNG file whose [`size`] is known to be bearable: 8 bits each, channel by channel, row by row. Fewer
/// than 8 bits and palettes are widened, of 16 bits the upper 8 are kept, and an alpha channel is dropped if all of it
/// is opaque.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut expanding = decoder(path)?;
    expanding.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let pixels = check_colours(decoder(path)?).and_then(|()| decode(expanding));
    pixels.map_err(|problem| DataError::new(path, problem))
}

fn decode(decoder: Decoder<BufReader<File>>) -> Result<Vec<u8>, PictureProblem> {
    let refuse = |reason: &str| PictureProblem::Png {
        reason: reason.to_owned(),
    };
    let mut reader = decoder.read_info().map_err(malformed)?;
    let info = reader.info();
    if info.animation_control.is_some() {
        return Err(refuse("it is animated"));
    }
    // The decoder takes colours of three bytes for granted.
    let whole = |palette: &[u8]| palette.len().is_multiple_of(3) && palette.len() <= 3 * 256;
    if !info.palette.as_deref().is_none_or(whole) {
        return Err(refuse("its palette is no list of at most 256 colours"));
    }
    let mut bytes = Vec::new();
    let needed = reader.output_buffer_size();
    let held = needed.and_then(|size| bytes.try_reserve_exact(size).ok().map(|()| size));
    bytes.resize(held.ok_or_else(|| refuse("it is too large for memory"))?, 0);
    let frame = reader.next_frame(&mut bytes).map_err(malformed)?;
    reader.finish().map_err(malformed)?;
    let (channels, alpha) = match frame.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb | ColorType::Indexed => (3, false),
        ColorType::Rgba => (3, true),
    };
    let stride = channels + usize::from(alpha);
    if alpha
        && bytes
            .chunks_exact(stride)
            .any(|pixel| pixel[channels] != u8::MAX)
    {
        return Err(PictureProblem::Transparent);
    }
    Ok((0..channels)
        .flat_map(|channel| bytes.iter().copied().skip(channel).step_by(stride))
        .collect())
}

/// Refuses a picture with a pixel whose colour its palette does not have, which the decoder would take for black.
fn check_colours(decoder: Decoder<BufReader<File>>) -> Result<(), PictureProblem> {
    let mut reader = decoder.read_info().map_err(malformed)?;
    let info = reader.info();
    let (ColorType::Indexed, Some(palette)) = (info.color_type, &info.palette) else {
        return Ok(());
    };
    let (colours, bits) = (palette.len() / 3, info.bit_depth as usize);
    let (width, height) = (info.width as usize, info.height as usize);
    if !palette.len().is_multiple_of(3) {
        // Which is told where it is decoded.
        return Ok(());
    }
    let mut bytes = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let line = reader.next_frame(&mut bytes).map_err(malformed)?.line_size;
    for place in (0..height).flat_map(|row| (0..width).map(move |column| [row, column])) {
        let [row, column] = place;
        let bit = column * bits;
        let byte = bytes[row * line + bit / 8];
        let index = byte >> (8 - bits - bit % 8) & u8::MAX >> (8 - bits);
        if usize::from(index) >= colours {
            return Err(PictureProblem::Colour {
                place,
                index,
                colours,
            });
        }
    }
    Ok(())
}

/// A decoder that checks all sums: a damaged picture must not pass for another.
fn decoder(path: &Path) -> Result<Decoder<BufReader<File>>, DataError> {
    // A pipe might never be written to.
    let file = match path.metadata() {
        Ok(kind) if !kind.is_file() => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is no plain file",
        )),
        Ok(_) => File::open(path),
        Err(error) => Err(error),
    };
    let file = file.map_err(|source| DataError::new(path, DataProblem::Read { source }))?;
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_skip_ancillary_crc_failures(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    Ok(Decoder::new_with_options(BufReader::new(file), options))
}

fn malformed(error: DecodingError) -> PictureProblem {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PictureProblem::Truncated
        }
        error => PictureProblem::Png {
            reason: error.to_string(),
        },
    }
}

/// The numbers of a picture of this size.
fn numbers(size: &[usize; 3]) -> u64 {
    size.iter()
        .fold(1, |product: u64, &size| product.saturating_mul(size as u64))
}
