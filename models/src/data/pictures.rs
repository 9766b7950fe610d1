//! Folders of PNG pictures, one a class.

use std::fs;
use std::path::{Path, PathBuf};

use super::dataset::{Dataset, ImageShape};
use super::division::{Division, MIN_ROWS, partition};
use super::error::DataError;
use super::file::{self, last_name};
use super::options::{LoadOptions, TaskKind};
use super::picture;
use super::pixels::Channels;
use super::problem::{DataProblem, PictureProblem};
use super::reading::Reading;
use super::refusal::Refusal;
use super::scaling::{Rescale, ScalingProblem};
use super::shape::ExampleShape;
use super::source;
use super::split::{Split, Targets};
use super::task::Task;

/// Reads a folder of PNG pictures with a folder for each class: `train/CLASS/*.png` and `test/CLASS/*.png`, or
/// `CLASS/*.png`, of which a fifth is then held out as of a table.
///
/// Classes, and the files of each, are in alphabetical order, and [`Split::origin`] counts the files so; names that
/// start with a dot are passed over. Pictures are all grey or all in colour, and of one size; palettes and fewer
/// than 8 bits are widened, 16 bits reduced to 8. Grey pixels are divided by 255; of colours each channel is
/// standardised with the training pixels' mean and standard deviation (divisor n). Two classes make a binary task.
///
/// # Errors
///
/// If a file cannot be read, is no PNG, is cut short, animated or transparent, if pictures differ in size or have more
/// than 2^26 numbers (pixels times channels), if a class has no picture or only ones to test, if there is only one
/// class, or if there are fewer than 10 pictures to divide. All sizes are checked by the files' headers before a
/// picture is decoded.
pub fn read_pictures(folder: &Path) -> Result<Dataset, DataError> {
    read_pictures_with(folder, &LoadOptions::default())
}

/// As [`read_pictures`], with the `task`, `inputs` and `test` of the options. The folder `test` holds the classes'
/// folders, in it or in its own folder `test`.
pub(crate) fn read_pictures_with(
    folder: &Path,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    if options.task == Some(TaskKind::Regression) {
        return Err(Refusal::NoNumbers.of(folder));
    }
    let ((classes, [train, test]), division) = parts(folder, options.test.as_deref())?;
    if let [only] = classes.as_slice() {
        return Err(DataError::new(
            folder,
            DataProblem::ConstantTarget {
                value: only.clone(),
            },
        ));
    }
    let [train_source, test_source] = origins(&train, &test, &division);
    let size = one_size(&train, &test)?;
    let train = PicturePart::read(train, size)?;
    let test = PicturePart::read(test, size)?;
    let [count, height, width] = size;
    let own = match count {
        1 => Rescale::Unit,
        _ => Rescale::Standardised,
    };
    let scaling = |problem| Refusal::Scaling(problem).of(folder);
    let asked = options.inputs.as_ref().unwrap_or(&own);
    let channels = Channels::new(
        (asked, options.moments),
        [&train.pixels, &test.pixels],
        count,
        height * width,
    )
    .map_err(scaling)?;
    Ok(Dataset {
        name: last_name(folder),
        task: Task::of_classes(classes),
        train: train.into_split(&channels).map_err(scaling)?,
        valid: None,
        test: test.into_split(&channels).map_err(scaling)?,
        shape: ExampleShape::Picture {
            channels: count,
            height,
            width,
        },
        features: channels.names(),
        image: (count == 1).then_some(ImageShape { height, width }),
        attribution: None,
        division,
        input_scaling: Some(channels.into_scaling()),
        target_scaling: None,
        train_source,
        test_source,
        reading: Reading::default(),
        loss: None,
        class_weights: None,
        inference: None,
    })
}

/// Where the examples of both parts come from.
fn origins(
    train: &[PictureFile],
    test: &[PictureFile],
    division: &Division,
) -> [source::Source; 2] {
    match division {
        // One list of files, of which both parts are.
        Division::Drawn { .. } => {
            let all = files(train.iter().chain(test));
            [all.clone(), all]
        }
        _ => [files(train), files(test)],
    }
}

/// The pictures to train and to test with, and what divided them.
fn parts(folder: &Path, tested: Option<&Path>) -> Result<(Divided, Division), DataError> {
    let [train, test] = ["train", "test"].map(|part| folder.join(part));
    if let Some(path) = tested {
        if path.is_file() {
            return Err(DataError::new(
                path,
                DataProblem::FileOfFolder {
                    give: "the folder that holds the folders of the classes",
                },
            ));
        }
        let inner = path.join("test");
        let test = if inner.is_dir() { &inner } else { path };
        let train = if train.is_dir() { &train } else { folder };
        let division = Division::Test {
            path: path.to_owned(),
        };
        return Ok((divided(train, test)?, division));
    }
    let (there, missing) = match (train.is_dir(), test.is_dir()) {
        (true, true) => return Ok((divided(&train, &test)?, Division::Source)),
        (false, false) => return Ok((divide(folder)?, Division::drawn())),
        (true, false) => ("train", "test"),
        (false, true) => ("test", "train"),
    };
    Err(DataError::new(
        folder,
        PictureProblem::MissingPart { there, missing },
    ))
}

/// Whether a folder holds PNG files in a folder of a class, or in one of `train` and `test`.
pub(crate) fn is_picture_folder(folder: &Path) -> Result<bool, DataError> {
    for child in file::list(folder)?.iter().filter(|child| child.is_dir()) {
        let inner = file::list(child)?;
        if inner.iter().any(|path| is_png(path)) {
            return Ok(true);
        }
        let part = child.ends_with("train") || child.ends_with("test");
        for class in inner.iter().filter(|inner| part && inner.is_dir()) {
            if file::list(class)?.iter().any(|path| is_png(path)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a path ends in `.png`.
pub(crate) fn is_png(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

/// A picture's file, class and place in its source.
struct PictureFile {
    path: PathBuf,
    class: i64,
    origin: usize,
}

/// Where pictures stand.
fn files<'a>(sources: impl IntoIterator<Item = &'a PictureFile>) -> source::Source {
    let mut sources: Vec<&PictureFile> = sources.into_iter().collect();
    sources.sort_by_key(|source| source.origin);
    let files = sources.into_iter().map(|source| source.path.clone());
    source::Source::Files {
        files: files.collect(),
    }
}

/// The classes of a folder, and the pictures of each.
fn classes(folder: &Path) -> Result<Vec<(String, Vec<PathBuf>)>, DataError> {
    let mut classes = Vec::new();
    for path in file::list(folder)? {
        // A link that leads nowhere may have been a class.
        let kind = fs::metadata(&path)
            .map_err(|source| DataError::new(&path, DataProblem::Read { source }))?;
        if !kind.is_dir() {
            continue;
        }
        // Else two classes might be called the same.
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            return Err(DataError::new(path, PictureProblem::Name));
        }
        let files = file::list(&path)?;
        if let Some(other) = files.iter().find(|file| file.is_dir() || !is_png(file)) {
            return Err(DataError::new(other, PictureProblem::NotPng));
        }
        if files.is_empty() {
            return Err(DataError::new(path, PictureProblem::EmptyClass));
        }
        classes.push((last_name(&path), files));
    }
    if classes.is_empty() {
        return Err(DataError::new(folder, PictureProblem::NoClasses));
    }
    Ok(classes)
}

/// Pictures with their classes, in order.
fn sources(pictures: impl IntoIterator<Item = (i64, Vec<PathBuf>)>) -> Vec<PictureFile> {
    pictures
        .into_iter()
        .flat_map(|(class, files)| files.into_iter().map(move |path| (class, path)))
        .enumerate()
        .map(|(origin, (class, path))| PictureFile {
            path,
            class,
            origin,
        })
        .collect()
}

/// The classes' names, and the pictures to train and to test with.
type Divided = (Vec<String>, [Vec<PictureFile>; 2]);

/// Pictures that are divided already.
fn divided(train: &Path, test: &Path) -> Result<Divided, DataError> {
    let (names, files): (Vec<String>, Vec<_>) = classes(train)?.into_iter().unzip();
    let mut tested = Vec::new();
    for (name, files) in classes(test)? {
        match (0..).zip(&names).find(|(_, other)| **other == name) {
            Some((class, _)) => tested.push((class, files)),
            None => {
                return Err(DataError::new(
                    test.join(name),
                    PictureProblem::UnknownClass {
                        train: train.to_owned(),
                    },
                ));
            }
        }
    }
    Ok((names, [sources((0..).zip(files)), sources(tested)]))
}

/// Pictures of which a fifth is held out.
fn divide(folder: &Path) -> Result<Divided, DataError> {
    let (names, files): (Vec<String>, Vec<_>) = classes(folder)?.into_iter().unzip();
    let counts: Vec<usize> = files.iter().map(Vec::len).collect();
    let rows = counts.iter().sum();
    if rows < MIN_ROWS {
        return Err(DataError::new(
            folder,
            DataProblem::TooFewRows {
                rows,
                needed: MIN_ROWS,
            },
        ));
    }
    let (_, held_out) = partition(rows);
    let (test, train): (Vec<PictureFile>, Vec<PictureFile>) = sources((0..).zip(files))
        .into_iter()
        .partition(|source| held_out.binary_search(&source.origin).is_ok());
    for ((class, name), count) in (0_i64..).zip(&names).zip(counts) {
        if train.iter().all(|source| source.class != class) {
            return Err(DataError::new(
                folder,
                DataProblem::UntrainableClass {
                    column: "class".to_owned(),
                    class: name.clone(),
                    count,
                },
            ));
        }
    }
    Ok((names, [train, test]))
}

/// The size that all pictures have, of which there must be one to train on: by their headers, before any is decoded.
fn one_size(train: &[PictureFile], test: &[PictureFile]) -> Result<[usize; 3], DataError> {
    let first = &train[0].path;
    let expected = picture::size(first)?;
    for PictureFile { path, .. } in train.iter().chain(test) {
        let found = picture::size(path)?;
        if found != expected {
            return Err(DataError::new(
                path,
                PictureProblem::Size {
                    found,
                    first: first.clone(),
                    expected,
                },
            ));
        }
    }
    // A byte and a 32-bit number for each.
    let count = train.len() + test.len();
    let bytes = expected
        .iter()
        .fold(5 * count, |bytes, &size| bytes.saturating_mul(size));
    match Vec::<u8>::new().try_reserve_exact(bytes) {
        Ok(()) => Ok(expected),
        Err(_) => Err(DataError::new(
            first,
            PictureProblem::Memory {
                count,
                size: expected,
            },
        )),
    }
}

/// Decoded pictures, one after another.
struct PicturePart {
    size: [usize; 3],
    pixels: Vec<u8>,
    classes: Vec<i64>,
    origin: Vec<usize>,
}

impl PicturePart {
    /// Reads pictures, of which there must be one and which are known to be of one size.
    fn read(sources: Vec<PictureFile>, size: [usize; 3]) -> Result<Self, DataError> {
        let mut part = Self {
            size,
            pixels: Vec::with_capacity(sources.len() * size.iter().product::<usize>()),
            classes: Vec::new(),
            origin: Vec::new(),
        };
        for source in sources {
            part.pixels.extend(picture::read(&source.path)?);
            part.classes.push(source.class);
            part.origin.push(source.origin);
        }
        Ok(part)
    }

    fn into_split(self, channels: &Channels) -> Result<Split, ScalingProblem> {
        Ok(Split {
            rows: self.classes.len(),
            columns: self.size.iter().product(),
            features: channels.scale(&self.pixels)?,
            targets: Targets::Classes(self.classes),
            origin: self.origin,
            weights: None,
        })
    }
}
