use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use png::{ColorType, Decoder, DecodingError, Transformations};

use super::error::DataError;

/// Why a folder of pictures could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// A file is no PNG picture, or a damaged one.
    #[error("{}: not a readable PNG picture ({reason}); save or download it again", .path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// A file stops early.
    #[error("{}: the PNG data stops early; the file is incomplete, copy or download it again", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// A picture has pixels that can be seen through.
    #[error("{}: the picture is transparent in places, which is no colour to learn from; save it without an alpha channel", .path.display())]
    Transparent {
        /// The file.
        path: PathBuf,
    },
    /// Pictures differ in size or colour.
    #[error(
        "{}: {found:?} (channels, height, width), but {} is {expected:?}; all pictures must have one size, and all be grey or all in colour",
        .path.display(), .first.display()
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
    #[error("{}: only PNG files are read from the folder of a class; convert it to PNG, or move it elsewhere", .path.display())]
    NotPng {
        /// The file or folder.
        path: PathBuf,
    },
    /// A class's folder holds no picture.
    #[error("{}: the folder holds no PNG file; put pictures of its class there, or remove it", .path.display())]
    EmptyClass {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no folder of a class.
    #[error("{}: the folder holds no folders; pictures go into one folder for each class", .path.display())]
    NoClasses {
        /// The folder.
        path: PathBuf,
    },
    /// There is a `train` without a `test`, or a `test` without a `train`.
    #[error("{}: the folder has a folder {there} but none called {missing}; give it both, or one folder for each class", .path.display())]
    MissingPart {
        /// The folder.
        path: PathBuf,
        /// The part that is there.
        there: &'static str,
        /// The part that is not.
        missing: &'static str,
    },
    /// A class is tested that was not trained.
    #[error("{}: a class without a folder in {}; test pictures must be of the training pictures' classes", .path.display(), .train.display())]
    UnknownClass {
        /// The test folder of the class.
        path: PathBuf,
        /// The folder of the training classes.
        train: PathBuf,
    },
}

/// A picture of 8 bits a channel.
pub(crate) struct Picture {
    /// Channels (1 or 3), height and width.
    pub(crate) size: [usize; 3],
    /// The pixels, channel by channel, row by row.
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    /// Decodes a PNG file. Fewer than 8 bits and palettes are widened, of 16 bits the upper 8 are kept, and an alpha
    /// channel is dropped if all of it is opaque.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::decode(file, path)?)
    }

    fn decode(file: File, path: &Path) -> Result<Self, PictureError> {
        let bad = |error| match error {
            DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                PictureError::Truncated {
                    path: path.to_owned(),
                }
            }
            error => PictureError::Png {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        };
        let mut decoder = Decoder::new(BufReader::new(file));
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(bad)?;
        // A header may claim any size: memory that is not there is an error, no abort.
        let mut bytes = Vec::new();
        let needed = reader.output_buffer_size();
        match needed.map(|size| {
            bytes
                .try_reserve_exact(size)
                .map(|()| bytes.resize(size, 0))
        }) {
            Some(Ok(())) => {}
            Some(Err(_)) | None => {
                let (width, height) = reader.info().size();
                return Err(PictureError::Png {
                    path: path.to_owned(),
                    reason: format!(
                        "its header asks for {width}x{height} pixels, too many for memory"
                    ),
                });
            }
        }
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
        Ok(Self {
            size: [channels, frame.height as usize, frame.width as usize],
            pixels: (0..channels)
                .flat_map(|channel| bytes.iter().copied().skip(channel).step_by(stride))
                .collect(),
        })
    }
}
