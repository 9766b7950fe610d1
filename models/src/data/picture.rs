//! Reading one PNG picture.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use png::{ColorType, DecodeOptions, Decoder, DecodingError, Transformations};

use super::error::DataError;
use crate::quote;

/// Numbers (channels times height times width) that a picture has at most: 256 MiB as an example of 32-bit numbers.
const NUMBERS: u64 = 1 << 26;

/// Why a folder of pictures could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// A file is no PNG picture, or a damaged one.
    #[error("{}: not a readable PNG picture ({reason}); save or download it again", quote::path(.path), reason = quote::reason(.reason))]
    Png {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// A file stops early.
    #[error("{}: the PNG data stops early; the file is incomplete, copy or download it again", quote::path(.path))]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// A picture is too large for an example.
    #[error(
        "{}: {found:?} (channels, height, width) are {} numbers, more than the {NUMBERS} that an example may have; scale it down",
        quote::path(.path), numbers(.found)
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its channels, height and width.
        found: [usize; 3],
    },
    /// All pictures together are more than the memory takes.
    #[error(
        "{}: {count} pictures of {size:?} (channels, height, width) are more than this machine's memory takes; scale them down, or take \
         fewer",
        quote::path(.path)
    )]
    Memory {
        /// The first file.
        path: PathBuf,
        /// Number of pictures.
        count: usize,
        /// Channels, height and width of each.
        size: [usize; 3],
    },
    /// A picture has pixels that can be seen through.
    #[error("{}: the picture is transparent in places, which is no colour to learn from; save it without an alpha channel", quote::path(.path))]
    Transparent {
        /// The file.
        path: PathBuf,
    },
    /// A pixel has a colour that is not in the picture's palette.
    #[error("{}: the pixel at {place:?} (row, column, from 0) has colour {index} of a palette of {colours}; save the picture again", quote::path(.path))]
    Colour {
        /// The file.
        path: PathBuf,
        /// Its row and column.
        place: [usize; 2],
        /// The colour's place in the palette.
        index: u8,
        /// Colours of the palette.
        colours: usize,
    },
    /// Pictures differ in size or colour.
    #[error(
        "{}: {found:?} (channels, height, width), but {} is {expected:?}; all pictures must have one size, and all be grey or all in colour",
        quote::path(.path), quote::path(.first)
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Its channels, height and width.
        found: [usize; 3],
        /// The first picture's file.
        first: PathBuf,
        /// The first picture's channels, height and width.
        expected: [usize; 3],
    },
    /// A class's folder holds something else.
    #[error("{}: only PNG files are read from the folder of a class; convert it to PNG, or move it elsewhere", quote::path(.path))]
    NotPng {
        /// The file or folder.
        path: PathBuf,
    },
    /// A class's folder holds no picture.
    #[error("{}: the folder holds no PNG file; put pictures of its class there, or remove it", quote::path(.path))]
    EmptyClass {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no folder of a class.
    #[error("{}: the folder holds no folders; pictures go into one folder for each class", quote::path(.path))]
    NoClasses {
        /// The folder.
        path: PathBuf,
    },
    /// There is a `train` without a `test`, or a `test` without a `train`.
    #[error("{}: the folder has a folder {there} but none called {missing}; give it both, or one folder for each class", quote::path(.path))]
    MissingPart {
        /// The folder.
        path: PathBuf,
        /// The part that is there.
        there: &'static str,
        /// The part that is not.
        missing: &'static str,
    },
    /// A class's folder has a name that cannot be told from others.
    #[error("{}: the folder of a class needs a name in UTF-8, which is what the class is called; rename it", quote::path(.path))]
    Name {
        /// The folder.
        path: PathBuf,
    },
    /// A class is tested that was not trained.
    #[error("{}: a class without a folder in {}; test pictures must be of the training pictures' classes", quote::path(.path), quote::path(.train))]
    UnknownClass {
        /// The test folder of the class.
        path: PathBuf,
        /// The folder of the training classes.
        train: PathBuf,
    },
}

/// Channels, height and width of a PNG file, from its header alone.
pub(crate) fn size(path: &Path) -> Result<[usize; 3], DataError> {
    let mut decoder = decoder(path)?;
    let info = decoder
        .read_header_info()
        .map_err(|error| malformed(error, path))?;
    let channels = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 3,
    };
    let found = [channels, info.height as usize, info.width as usize];
    if numbers(&found) > NUMBERS {
        let path = path.to_owned();
        return Err(PictureError::TooLarge { path, found }.into());
    }
    Ok(found)
}

/// The pixels of a PNG file whose [`size`] is known to be bearable: 8 bits each, channel by channel, row by row. Fewer
/// than 8 bits and palettes are widened, of 16 bits the upper 8 are kept, and an alpha channel is dropped if all of it
/// is opaque.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    check_colours(decoder(path)?, path)?;
    let mut decoder = decoder(path)?;
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    Ok(decode(decoder, path)?)
}

fn decode(decoder: Decoder<BufReader<File>>, path: &Path) -> Result<Vec<u8>, PictureError> {
    let bad = |error| malformed(error, path);
    let refuse = |reason: &str| PictureError::Png {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let mut reader = decoder.read_info().map_err(bad)?;
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
    let frame = reader.next_frame(&mut bytes).map_err(bad)?;
    reader.finish().map_err(bad)?;
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
        return Err(PictureError::Transparent {
            path: path.to_owned(),
        });
    }
    Ok((0..channels)
        .flat_map(|channel| bytes.iter().copied().skip(channel).step_by(stride))
        .collect())
}

/// Refuses a picture with a pixel whose colour its palette does not have, which the decoder would take for black.
fn check_colours(decoder: Decoder<BufReader<File>>, path: &Path) -> Result<(), PictureError> {
    let bad = |error| malformed(error, path);
    let mut reader = decoder.read_info().map_err(bad)?;
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
    let line = reader.next_frame(&mut bytes).map_err(bad)?.line_size;
    for place in (0..height).flat_map(|row| (0..width).map(move |column| [row, column])) {
        let [row, column] = place;
        let bit = column * bits;
        let byte = bytes[row * line + bit / 8];
        let index = byte >> (8 - bits - bit % 8) & u8::MAX >> (8 - bits);
        if usize::from(index) >= colours {
            return Err(PictureError::Colour {
                path: path.to_owned(),
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
    let file = file.map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_skip_ancillary_crc_failures(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    Ok(Decoder::new_with_options(BufReader::new(file), options))
}

fn malformed(error: DecodingError, path: &Path) -> PictureError {
    let path = path.to_owned();
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PictureError::Truncated { path }
        }
        error => PictureError::Png {
            path,
            reason: error.to_string(),
        },
    }
}

/// The numbers of a picture of this size.
fn numbers(size: &[usize; 3]) -> u64 {
    size.iter()
        .fold(1, |product: u64, &size| product.saturating_mul(size as u64))
}
