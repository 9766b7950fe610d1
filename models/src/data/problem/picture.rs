//! What is wrong with a folder of pictures.

use std::path::PathBuf;

use crate::quote;

/// What is wrong with a folder of pictures.
#[derive(Debug, thiserror::Error)]
pub enum PictureProblem {
    /// A file is no PNG picture, or a damaged one.
    #[error("not a readable PNG picture ({reason}); save or download it again", reason = quote::reason(.reason))]
    Png {
        /// What the decoder found.
        reason: String,
    },
    /// A file stops early.
    #[error("the PNG data stops early; the file is incomplete, copy or download it again")]
    Truncated,
    /// A picture is too large for an example.
    #[error(
        "{found:?} (channels, height, width) are {numbers} numbers, more than the {most} that an example may have; scale it down"
    )]
    TooLarge {
        /// Its channels, height and width.
        found: [usize; 3],
        /// Their product.
        numbers: u64,
        /// The most that it may be.
        most: u64,
    },
    /// All pictures together are more than the memory takes.
    #[error(
        "{count} pictures of {size:?} (channels, height, width) are more than this machine's memory takes; scale them down, or take \
         fewer"
    )]
    Memory {
        /// Number of pictures.
        count: usize,
        /// Channels, height and width of each.
        size: [usize; 3],
    },
    /// A picture has pixels that can be seen through.
    #[error(
        "the picture is transparent in places, which is no colour to learn from; save it without an alpha channel"
    )]
    Transparent,
    /// A pixel has a colour that is not in the picture's palette.
    #[error(
        "the pixel at {place:?} (row, column, from 0) has colour {index} of a palette of {colours}; save the picture again"
    )]
    Colour {
        /// Its row and column.
        place: [usize; 2],
        /// The colour's place in the palette.
        index: u8,
        /// Colours of the palette.
        colours: usize,
    },
    /// Pictures differ in size or colour.
    #[error(
        "{found:?} (channels, height, width), but {} is {expected:?}; all pictures must have one size, and all be grey or all in colour", quote::path(.first)
    )]
    Size {
        /// Its channels, height and width.
        found: [usize; 3],
        /// The first picture's file.
        first: PathBuf,
        /// The first picture's channels, height and width.
        expected: [usize; 3],
    },
    /// A class's folder holds something else.
    #[error(
        "only PNG files are read from the folder of a class; convert it to PNG, or move it elsewhere"
    )]
    NotPng,
    /// A class's folder holds no picture.
    #[error("the folder holds no PNG file; put pictures of its class there, or remove it")]
    EmptyClass,
    /// A folder holds no folder of a class.
    #[error("the folder holds no folders; pictures go into one folder for each class")]
    NoClasses,
    /// There is a `train` without a `test`, or a `test` without a `train`.
    #[error(
        "the folder has a folder {there} but none called {missing}; give it both, or one folder for each class"
    )]
    MissingPart {
        /// The part that is there.
        there: &'static str,
        /// The part that is not.
        missing: &'static str,
    },
    /// A class's folder has a name that cannot be told from others.
    #[error(
        "the folder of a class needs a name in UTF-8, which is what the class is called; rename it"
    )]
    Name,
    /// A class is tested that was not trained.
    #[error("a class without a folder in {}; test pictures must be of the training pictures' classes", quote::path(.train))]
    UnknownClass {
        /// The folder of the training classes.
        train: PathBuf,
    },
}
