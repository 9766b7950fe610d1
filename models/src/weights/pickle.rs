//! Reading pickles without running them.

use std::collections::HashMap;
use std::ops::Index;

/// What a pickle holds. Values refer to each other by place, so that however deeply they are nested, and whether or not
/// in circles, to drop them takes no recursion.
pub(super) struct Pickle {
    values: Vec<PickleValue>,
    /// The value that was pickled.
    pub(super) root: ValueIndex,
}

/// A value of a [`Pickle`].
#[derive(Clone, Copy)]
pub(super) struct ValueIndex(usize);

impl Index<ValueIndex> for Pickle {
    type Output = PickleValue;

    fn index(&self, place: ValueIndex) -> &PickleValue {
        &self.values[place.0]
    }
}

impl Pickle {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// A value, as far as state dictionaries need it. Nothing is ever imported or called: what a pickle wants built is
/// recognised by name, or left as [`Built`](Self::Built).
pub(super) enum PickleValue {
    Int(i64),
    Text(String),
    Tuple(Vec<ValueIndex>),
    List(Vec<ValueIndex>),
    Dict(Vec<[ValueIndex; 2]>),
    /// Something in a Python module: `module name`.
    Global(String),
    /// What is kept outside the pickle.
    Persistent(ValueIndex),
    /// The result of calling something, by its name, with arguments.
    Built(String, ValueIndex),
    /// A whole `torch.nn.Module` of the class `module name`, whose state is passed over.
    Module(String),
    Bool(bool),
    None,
    /// Floating-point numbers, bytes: nothing that weights are made of.
    Other,
}

/// Where a `torch.nn.Module` keeps those within it.
const MODULES: &str = "_modules";

/// Runs a pickle (protocols 2 to 5; Python's `pickletools` describes the operations).
pub(super) fn unpickle(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine {
        rest: bytes,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let operation = machine.take(1)?[0];
        if operation == b'.' {
            let root = machine.pop()?;
            let values = machine.values;
            return Ok(Pickle { values, root });
        }
        machine.step(operation)?;
    }
}

struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<PickleValue>,
    stack: Vec<ValueIndex>,
    marks: Vec<usize>,
    memo: HashMap<usize, ValueIndex>,
}

impl Machine<'_> {
    fn step(&mut self, operation: u8) -> Result<(), String> {
        match operation {
            0x80 => drop(self.take(1)?), // the protocol's number
            0x95 => drop(self.take(8)?), // the length of a frame
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }
            b'N' => self.push(PickleValue::None),
            0x88 | 0x89 => self.push(PickleValue::Bool(operation == 0x88)),
            b'J' => {
                let number = self.number(4)? as u32 as i32;
                self.push(PickleValue::Int(number.into()));
            }
            b'K' => self.push_number(1)?,
            b'M' => self.push_number(2)?,
            0x8a => {
                let length = self.number(1)? as usize;
                self.long(length)?;
            }
            0x8b => {
                let length = self.number(4)? as usize;
                self.long(length)?;
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let number = line.trim_end_matches('L').parse();
                self.push(number.map_or(PickleValue::Other, PickleValue::Int));
            }
            b'F' => {
                self.line()?;
                self.push(PickleValue::Other);
            }
            b'G' => self.other(8)?,
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'U' | b'C' => self.bytes(1)?,
            b'T' | b'B' => self.bytes(4)?,
            0x8e | 0x96 => self.bytes(8)?,
            b')' => self.push(PickleValue::Tuple(Vec::new())),
            0x85..=0x87 => {
                let start = self.below(usize::from(operation - 0x84))?;
                let items = self.stack.split_off(start);
                self.push(PickleValue::Tuple(items));
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(PickleValue::Tuple(items));
            }
            b']' | 0x8f => self.push(PickleValue::List(Vec::new())),
            b'l' => {
                let items = self.pop_mark()?;
                self.push(PickleValue::List(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.extend(items)?;
            }
            b'}' => self.push(PickleValue::Dict(Vec::new())),
            b'd' => {
                let items = pairs(self.pop_mark()?)?;
                self.push(PickleValue::Dict(items));
            }
            b's' => {
                let start = self.below(2)?;
                let items = self.stack.split_off(start);
                self.insert(items)?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.insert(items)?;
            }
            b'c' => {
                let global = format!("{} {}", self.line()?, self.line()?);
                self.push(PickleValue::Global(global));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (PickleValue::Text(module), PickleValue::Text(name)) =
                    (&self.values[module.0], &self.values[name.0])
                else {
                    return Err("its pickle names something by what is no text".to_owned());
                };
                self.push(PickleValue::Global(format!("{module} {name}")));
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.build(callable, arguments);
            }
            0x92 => {
                let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.build(callable, arguments);
            }
            b'b' => self.set_state()?,
            b'Q' => {
                let id = self.pop()?;
                self.push(PickleValue::Persistent(id));
            }
            b'q' => {
                let place = self.number(1)? as usize;
                self.memorise(place)?;
            }
            b'r' => {
                let place = self.number(4)? as usize;
                self.memorise(place)?;
            }
            0x94 => self.memorise(self.memo.len())?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            _ => {
                return Err(format!(
                    "its pickle has an operation {operation:#04x} that is not known"
                ));
            }
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err("its pickle stops early".to_owned()),
        }
    }

    /// A little-endian number.
    fn number(&mut self, length: usize) -> Result<u64, String> {
        let bytes = self.take(length)?.iter().rev();
        Ok(bytes.fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    fn push(&mut self, value: PickleValue) {
        self.stack.push(ValueIndex(self.values.len()));
        self.values.push(value);
    }

    fn build(&mut self, callable: ValueIndex, arguments: ValueIndex) {
        let built = match &self.values[callable.0] {
            PickleValue::Global(name) if name == "collections OrderedDict" => {
                PickleValue::Dict(Vec::new())
            }
            PickleValue::Global(name) => PickleValue::Built(name.clone(), arguments),
            _ => PickleValue::Other,
        };
        self.push(built);
    }

    fn push_number(&mut self, length: usize) -> Result<(), String> {
        let number = self.number(length)?;
        self.push(PickleValue::Int(number as i64));
        Ok(())
    }

    /// A number in two's complement; one that 64 bits do not hold is of no use here.
    fn long(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) {
            0xff
        } else {
            0
        };
        let mut wide = [sign; 8];
        let value = if length <= 8 {
            wide[..length].copy_from_slice(bytes);
            PickleValue::Int(i64::from_le_bytes(wide))
        } else {
            PickleValue::Other
        };
        self.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let length = self.rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or("its pickle stops early")?;
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let length = self.number(width)? as usize;
        let text = str::from_utf8(self.take(length)?)
            .map_err(|_| "its pickle has text that is not UTF-8")?;
        let text = PickleValue::Text(text.to_owned());
        self.push(text);
        Ok(())
    }

    fn bytes(&mut self, width: usize) -> Result<(), String> {
        let length = self.number(width)? as usize;
        self.other(length)
    }

    fn other(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.push(PickleValue::Other);
        Ok(())
    }

    fn pop(&mut self) -> Result<ValueIndex, String> {
        self.stack.pop().ok_or_else(underflow)
    }

    /// Where the topmost `count` values start.
    fn below(&self, count: usize) -> Result<usize, String> {
        self.stack.len().checked_sub(count).ok_or_else(underflow)
    }

    fn pop_mark(&mut self) -> Result<Vec<ValueIndex>, String> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(underflow()),
        }
    }

    /// Appends to the list on top; to anything else, which is of no use here, nothing.
    fn extend(&mut self, items: Vec<ValueIndex>) -> Result<(), String> {
        let top = self.stack.last().ok_or_else(underflow)?;
        if let PickleValue::List(list) = &mut self.values[top.0] {
            list.extend(items);
        }
        Ok(())
    }

    /// Gives what is on top below a state its state, which is of use only to tell modules from other things.
    fn set_state(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let top = self.stack.last().ok_or_else(underflow)?;
        let has_modules = match &self.values[state.0] {
            PickleValue::Dict(pairs) => pairs.iter().any(
                |[key, _]| matches!(&self.values[key.0], PickleValue::Text(key) if key == MODULES),
            ),
            _ => false,
        };
        if let (PickleValue::Built(class, _), true) = (&self.values[top.0], has_modules) {
            self.values[top.0] = PickleValue::Module(class.clone());
        }
        Ok(())
    }

    /// Puts keys and values into the dictionary on top.
    fn insert(&mut self, items: Vec<ValueIndex>) -> Result<(), String> {
        let top = self.stack.last().ok_or_else(underflow)?;
        if let PickleValue::Dict(dict) = &mut self.values[top.0] {
            dict.extend(pairs(items)?);
        }
        Ok(())
    }

    fn memorise(&mut self, place: usize) -> Result<(), String> {
        let top = self.stack.last().ok_or_else(underflow)?;
        self.memo.insert(place, *top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let place = self.number(width)? as usize;
        let value = self.memo.get(&place);
        let value = value.ok_or("its pickle refers to what it has not named")?;
        self.stack.push(*value);
        Ok(())
    }
}

fn underflow() -> String {
    "its pickle takes more from its stack than it put there".to_owned()
}

fn pairs(items: Vec<ValueIndex>) -> Result<Vec<[ValueIndex; 2]>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("its pickle has a key without a value".to_owned());
    }
    Ok(pairs.to_vec())
}
