//! The reader of PNG pictures in a folder for each class.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_models::data::{
    DataProblem, ExampleShape, ImageShape, Moments, PictureProblem, ScalingRule, Targets, load,
    read_pictures,
};
use png::{BitDepth, ColorType, Encoder};
use tempfile::TempDir;

use crate::problem;

/// A PNG file of 3x2 pixels (width by height).
fn png(color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    sized(3, 2, color, depth, data)
}

fn sized(width: u32, height: u32, color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

fn grey(pixel: u8) -> Vec<u8> {
    let data: Vec<u8> = (0..6).map(|i| pixel + i).collect();
    png(ColorType::Grayscale, BitDepth::Eight, &data)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Grey pictures of cats and dogs, two and one to train on, one dog to test on.
fn divided() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, pixel) in [
        ("train/cat/b.png", 20),
        ("train/cat/a.png", 10),
        ("train/dog/1.PNG", 30),
        ("test/dog/x.png", 40),
    ] {
        write(folder.path(), name, &grey(pixel));
    }
    write(folder.path(), "train/cat/.hidden", b"passed over");
    folder
}

fn error(folder: &TempDir) -> (PathBuf, PictureProblem) {
    let error = load(folder.path(), None).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(text.contains(&*folder.path().to_string_lossy()), "{text}");
    match error.problem {
        DataProblem::Picture(problem) => (error.path, problem),
        other => panic!("a problem of pictures was expected: {other}"),
    }
}

#[test]
fn a_divided_folder_is_read_in_order() {
    let folder = divided();
    let data = load(folder.path(), None).unwrap();
    assert_eq!(data.task.classes(), ["cat", "dog"]);
    assert_eq!(data.task.outputs(), 1);
    assert_eq!(data.train.targets, Targets::Classes(vec![0, 0, 1]));
    assert_eq!(data.test.targets, Targets::Classes(vec![1]));
    // Each picture is a file.
    for place in [data.train_place(2), data.test_place(0)] {
        let file = place.file.to_lowercase();
        assert!(file.contains("dog") && file.ends_with(".png"), "{file}");
        assert_eq!((Path::new(&place.file).exists(), place.at), (true, None));
    }
    assert_eq!(
        (data.train.origin, data.test.origin.clone()),
        (vec![0, 1, 2], vec![0])
    );
    let shape = ExampleShape::Picture {
        channels: 1,
        height: 2,
        width: 3,
    };
    assert_eq!(data.shape, shape);
    assert_eq!(
        data.image,
        Some(ImageShape {
            height: 2,
            width: 3
        })
    );
    let expected: Vec<f32> = (40..46).map(|pixel| pixel as f32 / 255.0).collect();
    assert_eq!(data.test.row(0), expected);
    let scaling = data.input_scaling.unwrap();
    let identity = (ScalingRule::Unit, vec![Moments::IDENTITY]);
    assert_eq!((scaling.rule, scaling.moments), identity);
}

#[test]
fn an_undivided_folder_is_split_as_tables_are() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["ant", "bee", "cow"] {
        for pixel in 0..7 {
            write(
                folder.path(),
                &format!("{class}/{pixel}.png"),
                &grey(10 * pixel),
            );
        }
    }
    let data = load(folder.path(), None).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (17, 4));
    let mut all = [data.train.origin.clone(), data.test.origin.clone()].concat();
    assert!(data.train.origin.is_sorted() && data.test.origin.is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..21).collect::<Vec<_>>());
    for split in [&data.train, &data.test] {
        let Targets::Classes(classes) = &split.targets else {
            panic!("pictures have classes")
        };
        for (row, &origin) in split.origin.iter().enumerate() {
            assert_eq!(classes[row], (origin / 7) as i64);
            let source = [&data.train_source, &data.test_source][usize::from(split == &data.test)];
            let name = format!("{}/{}.png", ["ant", "bee", "cow"][origin / 7], origin % 7);
            let file = folder.path().join(name).display().to_string();
            assert_eq!(source.place(origin).file, file);
            // The picture's first pixel is ten times its number.
            assert_eq!(split.row(row)[0], (10 * (origin % 7)) as f32 / 255.0);
        }
    }
    let again = read_pictures(folder.path()).unwrap();
    assert_eq!((again.train, again.test), (data.train, data.test));
}

#[test]
fn colours_are_standardised_channel_by_channel() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |base: u8| {
        let data: Vec<u8> = (0..6)
            .flat_map(|i| [base + i, 100, 2 * (base + i)])
            .collect();
        png(ColorType::Rgb, BitDepth::Eight, &data)
    };
    write(folder.path(), "train/a/1.png", &picture(0));
    write(folder.path(), "train/b/1.png", &picture(6));
    write(folder.path(), "test/b/1.png", &picture(12));
    let data = load(folder.path(), None).unwrap();
    assert_eq!(data.shape.dims(), [3, 2, 3]);
    assert_eq!(data.image, None);
    // Red is 0 to 11: mean 5.5, variance 143/12; green is constant; blue is twice red.
    let std = (143.0_f64 / 12.0).sqrt();
    let (channels, _) = data.test.row(0).as_chunks::<6>();
    for (pixel, (red, blue)) in channels[0].iter().zip(&channels[2]).enumerate() {
        let expected = ((12.0 + pixel as f64 - 5.5) / std) as f32;
        assert!((red - expected).abs() < 1e-6, "{red}");
        assert!((blue - expected).abs() < 1e-6, "{blue}");
    }
    assert_eq!(channels[1], [0.0; 6]);
    let moments = data.input_scaling.unwrap().moments;
    assert_eq!((moments.len(), moments[1].std), (3, 0.0));
    assert!((moments[2].mean - 11.0 / 255.0).abs() < 1e-14);
}

#[test]
fn every_kind_of_opaque_picture_is_reduced_to_8_bits() {
    let folder = divided();
    let wide: Vec<u8> = (0..6).flat_map(|i| [40 + i, 77]).collect();
    let opaque: Vec<u8> = (0..6).flat_map(|i| [40 + i, 255]).collect();
    let expected = read_pictures(folder.path()).unwrap().test;
    for (depth, color, data) in [
        (BitDepth::Sixteen, ColorType::Grayscale, &wide),
        (BitDepth::Eight, ColorType::GrayscaleAlpha, &opaque),
    ] {
        write(folder.path(), "test/dog/x.png", &png(color, depth, data));
        assert_eq!(read_pictures(folder.path()).unwrap().test, expected);
    }
    // One bit a pixel, each row from a byte of its own.
    let bits = png(
        ColorType::Grayscale,
        BitDepth::One,
        &[0b1010_0000, 0b0110_0000],
    );
    write(folder.path(), "test/dog/x.png", &bits);
    let row = read_pictures(folder.path()).unwrap().test;
    assert_eq!(row.row(0), [1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
    let clear: Vec<u8> = (0..6).flat_map(|i| [40 + i, 255 - i]).collect();
    let clear = png(ColorType::GrayscaleAlpha, BitDepth::Eight, &clear);
    write(folder.path(), "test/dog/x.png", &clear);
    assert!(matches!(error(&folder).1, PictureProblem::Transparent));
}

#[test]
fn broken_pictures_are_named() {
    let folder = divided();
    let whole = grey(0);
    for length in [0, 7, 20, 33, whole.len() / 2, whole.len() - 1] {
        write(folder.path(), "train/dog/1.PNG", &whole[..length]);
        let error = error(&folder);
        assert!(
            matches!(&error, (path, PictureProblem::Truncated) if path.ends_with("train/dog/1.PNG")),
            "{length}: {error:?}"
        );
    }
    for place in [0, 12, 29, 45] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        write(folder.path(), "train/dog/1.PNG", &damaged);
        let error = error(&folder);
        assert!(
            matches!(error.1, PictureProblem::Png { .. }),
            "{place}: {error:?}"
        );
    }
    write(
        folder.path(),
        "train/dog/1.PNG",
        b"GIF89a is another format",
    );
    assert!(matches!(error(&folder).1, PictureProblem::Png { .. }));
}

#[test]
fn a_huge_header_is_an_error() {
    let folder = divided();
    // No picture of such a size is drawn: only the header says so.
    for side in [8193_u32, 20_000, 0x7fff_ffff] {
        let mut huge = grey(0);
        huge[16..20].copy_from_slice(&side.to_be_bytes());
        huge[20..24].copy_from_slice(&side.to_be_bytes());
        sum(&mut huge, 8);
        write(folder.path(), "train/dog/1.PNG", &huge);
        let side = side as usize;
        assert!(matches!(
            error(&folder),
            (path, PictureProblem::TooLarge { found, .. }) if path.ends_with("1.PNG") && found == [1, side, side]
        ));
    }
}

/// Writes the check sum of the chunk that starts at `at` anew.
fn sum(file: &mut [u8], at: usize) {
    let length = file[at..at + 4].try_into().unwrap();
    let end = at + 8 + u32::from_be_bytes(length) as usize;
    let mut crc = flate2::Crc::new();
    crc.update(&file[at + 4..end]);
    file[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
}

/// A picture of six indices into a palette of these bytes, whose header comes first.
fn indexed(palette: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 3, 2);
    encoder.set_color(ColorType::Indexed);
    encoder.set_palette(vec![0; 6]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0, 1, 0, 1, 0, 1]).unwrap();
    writer.finish().unwrap();
    let at = 8 + 25;
    assert_eq!(&bytes[at + 4..at + 8], b"PLTE");
    let length = (palette.len() as u32).to_be_bytes();
    let chunk = [&length[..], b"PLTE", palette, &[0; 4]].concat();
    bytes.splice(at..at + 12 + 6, chunk);
    sum(&mut bytes, at);
    bytes
}

#[test]
fn a_palette_is_of_whole_colours() {
    let folder = divided();
    for name in ["train/cat/a.png", "train/cat/b.png", "train/dog/1.PNG"] {
        write(folder.path(), name, &indexed(&[1, 2, 3, 4, 5, 6]));
    }
    write(
        folder.path(),
        "test/dog/x.png",
        &indexed(&[7, 8, 9, 1, 2, 3]),
    );
    assert_eq!(load(folder.path(), None).unwrap().shape.dims(), [3, 2, 3]);
    for length in [1, 2, 4, 5, 7, 3 * 257] {
        write(folder.path(), "train/dog/1.PNG", &indexed(&vec![9; length]));
        let error = error(&folder);
        assert!(
            matches!(error.1, PictureProblem::Png { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn a_colour_beyond_the_palette_is_no_black() {
    let folder = divided();
    write(folder.path(), "train/dog/1.PNG", &indexed(&[9, 9, 9]));
    for name in ["train/cat/a.png", "train/cat/b.png", "test/dog/x.png"] {
        write(folder.path(), name, &indexed(&[1, 2, 3, 4, 5, 6]));
    }
    let (_, error) = error(&folder);
    assert!(
        matches!(
            error,
            PictureProblem::Colour {
                place: [0, 1],
                index: 1,
                colours: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("colour 1 of a palette of 1"),
        "{error}"
    );

    // Of fewer bits the last ones of a row are nobody's pixels.
    let four_bits = |data: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 3, 2);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Four);
        encoder.set_palette(vec![1, 2, 3, 4, 5, 6]);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        bytes
    };
    let file = "train/dog/1.PNG";
    write(folder.path(), file, &four_bits(&[0x01, 0x1f, 0x10, 0x1f]));
    let data = load(folder.path(), None).unwrap();
    assert_eq!(data.train.rows, 3);
    write(folder.path(), file, &four_bits(&[0x01, 0x10, 0x12, 0x10]));
    let error = self::error(&folder);
    assert!(
        matches!(
            error.1,
            PictureProblem::Colour {
                place: [1, 1],
                index: 2,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn no_bit_of_a_picture_is_free() {
    let folder = divided();
    let before = load(folder.path(), None).unwrap();
    let whole = fs::read(folder.path().join("train/dog/1.PNG")).unwrap();
    for bit in 0..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        write(folder.path(), "train/dog/1.PNG", &damaged);
        if let Ok(data) = load(folder.path(), None) {
            assert_eq!(data.train, before.train, "bit {bit}");
        }
    }
}

#[test]
fn sizes_and_colours_must_agree() {
    let folder = divided();
    let tall = sized(2, 3, ColorType::Grayscale, BitDepth::Eight, &[0; 6]);
    write(folder.path(), "test/dog/x.png", &tall);
    let error_of = |folder: &TempDir| match error(folder) {
        (
            path,
            PictureProblem::Size {
                found,
                first,
                expected,
            },
        ) => {
            assert!(path.ends_with("test/dog/x.png") && first.ends_with("train/cat/a.png"));
            (found, expected)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(error_of(&folder), ([1, 3, 2], [1, 2, 3]));
    let coloured = png(ColorType::Rgb, BitDepth::Eight, &[9; 18]);
    write(folder.path(), "test/dog/x.png", &coloured);
    assert_eq!(error_of(&folder), ([3, 2, 3], [1, 2, 3]));
}

#[test]
fn folders_must_be_of_classes() {
    let folder = divided();
    write(folder.path(), "test/emu/x.png", &grey(0));
    assert!(matches!(
        error(&folder),
        (path, PictureProblem::UnknownClass { .. }) if path.ends_with("test/emu")
    ));
    let folder = divided();
    write(folder.path(), "train/dog/notes.txt", b"barks");
    assert!(matches!(
        error(&folder),
        (path, PictureProblem::NotPng) if path.ends_with("notes.txt")
    ));
    let folder = divided();
    fs::create_dir(folder.path().join("train/eel")).unwrap();
    assert!(matches!(error(&folder).1, PictureProblem::EmptyClass));
    let folder = divided();
    fs::remove_dir_all(folder.path().join("test")).unwrap();
    assert!(matches!(
        error(&folder).1,
        PictureProblem::MissingPart {
            there: "train",
            missing: "test",
            ..
        }
    ));
    let folder = divided();
    fs::remove_dir_all(folder.path().join("train/cat")).unwrap();
    assert!(
        matches!(problem(load(folder.path(), None)), Some(DataProblem::ConstantTarget { value, .. }) if value == "dog")
    );
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        problem(read_pictures(empty.path())),
        Some(DataProblem::Picture(PictureProblem::NoClasses))
    ));
}

#[test]
fn an_undivided_folder_needs_enough_of_each_class() {
    let folder = tempfile::tempdir().unwrap();
    for pixel in 0..9 {
        write(folder.path(), &format!("ant/{pixel}.png"), &grey(pixel));
    }
    assert!(matches!(
        problem(load(folder.path(), None)),
        Some(DataProblem::TooFewRows { rows: 9, .. })
    ));
    // A class of one picture, the last of all, cannot be learned if the split holds that one out: of so many
    // lengths it does for some.
    write(folder.path(), "bee/0.png", &grey(0));
    let untrainable = (9..60).find_map(|pixel| {
        write(folder.path(), &format!("ant/{pixel}.png"), &grey(pixel));
        load(folder.path(), None).err()
    });
    assert!(
        matches!(untrainable.map(|error| error.problem), Some(DataProblem::UntrainableClass { class, count: 1, .. }) if class == "bee")
    );
}

#[test]
fn load_points_to_the_folder() {
    let folder = divided();
    let lone = load(folder.path().join("train/cat/a.png"), None).unwrap_err();
    assert!(
        matches!(lone.problem, DataProblem::FileOfFolder { .. }),
        "{lone}"
    );
    let empty = tempfile::tempdir().unwrap();
    let nothing = load(empty.path(), None).unwrap_err().to_string();
    for wanted in [
        "idx3-ubyte",
        "data_batch_1.bin",
        "NAME.train.txt",
        ".csv",
        "PNG",
    ] {
        assert!(nothing.contains(wanted), "{nothing}");
    }
}
