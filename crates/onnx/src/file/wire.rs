//! Protocol buffers, as they are written: fields one after the other, each a number and a value.
//!
//! A file is read in place. No crate of protocol buffers is used: this is all that there is to the encoding
//! (protobuf.dev, "Encoding"), and it adds nothing to a build.

/// The value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// What went wrong.
pub(crate) type Read<T> = Result<T, String>;

/// The fields of a message.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Number and value of the next field.
    fn read(&mut self) -> Read<(u64, Field<'a>)> {
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Fixed64(fixed(&mut self.rest)?),
            2 => {
                let length = varint(&mut self.rest)?;
                let length = usize::try_from(length).map_err(|_| "a length is too large")?;
                Field::Bytes(take(&mut self.rest, length)?)
            }
            5 => Field::Fixed32(fixed(&mut self.rest)?),
            kind => return Err(format!("a field is of the unknown kind {kind}")),
        };
        match key >> 3 {
            0 => Err("a field has no number".into()),
            number => Ok((number, value)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Read<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// A whole number; negative ones are written as their complements in 64 bits.
    pub(crate) fn int(self) -> Read<i64> {
        match self {
            Self::Varint(value) => Ok(value as i64),
            _ => Err("a whole number is written as something else".into()),
        }
    }

    pub(crate) fn float(self) -> Read<f32> {
        match self {
            Self::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err("a number is written as something else".into()),
        }
    }

    pub(crate) fn bytes(self) -> Read<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err("a message or text is written as something else".into()),
        }
    }

    pub(crate) fn text(self) -> Read<String> {
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes).map_err(|_| "a text is not in UTF-8".into())
    }

    /// One of repeated whole numbers, or many of them packed.
    pub(crate) fn ints(self, all: &mut Vec<i64>) -> Read<()> {
        match self {
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    all.push(varint(&mut packed)? as i64);
                }
            }
            one => all.push(one.int()?),
        }
        Ok(())
    }

    /// One of repeated numbers in 32 bits, or many of them packed.
    pub(crate) fn floats(self, all: &mut Vec<f32>) -> Read<()> {
        match self {
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    all.push(f32::from_le_bytes(fixed(&mut packed)?));
                }
            }
            one => all.push(one.float()?),
        }
        Ok(())
    }

    /// One of repeated numbers in 64 bits, or many of them packed.
    pub(crate) fn doubles(self, all: &mut Vec<f64>) -> Read<()> {
        match self {
            Self::Bytes(mut packed) => {
                while !packed.is_empty() {
                    all.push(f64::from_le_bytes(fixed(&mut packed)?));
                }
            }
            Self::Fixed64(bytes) => all.push(f64::from_le_bytes(bytes)),
            _ => return Err("a number is written as something else".into()),
        }
        Ok(())
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Read<&'a [u8]> {
    let Some((taken, left)) = rest.split_at_checked(length) else {
        return Err(format!(
            "it ends where {length} bytes were to come, of which there are {}",
            rest.len()
        ));
    };
    *rest = left;
    Ok(taken)
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Read<[u8; N]> {
    let bytes = take(rest, N)?;
    Ok(bytes.try_into().expect("as many bytes as were taken"))
}

fn varint(rest: &mut &[u8]) -> Read<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = fixed(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a whole number has more than 64 bits".into())
}
