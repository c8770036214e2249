//! A message over its template (specification 6.3 and 10).

use core::fmt;
use std::vec::Vec;

use super::bits::{Input, Pmap};
use super::template::{Field, Initial, Instruction, Kind, Operator, Templates};
use super::{ELEMENTS_MAX, TEXT_MAX};

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastError {
    /// It ends early.
    Cut,
    /// A number, string, presence map or sequence longer than any that makes sense.
    TooLong,
    /// A template that is not known.
    Template(u32),
    /// A number that does not fit the field's type.
    Range,
    /// A value that must be there and is not, neither in the message nor before it.
    Absent,
    /// A delta that takes away more than there is.
    Delta,
}

impl fmt::Display for FastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FastError::Cut => f.write_str("cut"),
            FastError::TooLong => f.write_str("too long"),
            FastError::Template(id) => write!(f, "unknown template {id}"),
            FastError::Range => f.write_str("number out of range"),
            FastError::Absent => f.write_str("mandatory value is absent"),
            FastError::Delta => f.write_str("delta beyond its base"),
        }
    }
}

impl core::error::Error for FastError {}

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An optional field that has none.
    Absent,
    /// An integer of any type.
    Number(i128),
    /// `mantissa * 10^exponent`.
    Decimal {
        /// The digits.
        mantissa: i64,
        /// The power of ten.
        exponent: i32,
    },
    /// A string or byte vector.
    Bytes(&'a [u8]),
}

/// Hears what a message holds, in order.
pub trait FastSink {
    /// A message of this template begins.
    fn begin(&mut self, template: u32) {
        let _ = template;
    }

    /// A field.
    fn value(&mut self, name: &str, value: Value<'_>);

    /// A sequence of so many elements begins.
    fn sequence(&mut self, name: &str, length: u32) {
        let _ = (name, length);
    }

    /// An element of the innermost sequence is over.
    fn element(&mut self) {}

    /// The innermost sequence is over.
    fn sequence_end(&mut self) {}

    /// The message is over.
    fn end(&mut self) {}
}

/// What a dictionary entry holds (specification 6.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Undefined,
    Empty,
    Number(i128),
    Decimal(i64, i32),
    /// The bytes are the slot's own.
    Bytes,
}

struct Slot {
    held: Held,
    bytes: Vec<u8>,
}

/// Decodes the messages of one stream.
pub struct Decoder {
    templates: Templates,
    slots: Vec<Slot>,
    /// The template of the message before (an operator copy, specification 10.2).
    template: Option<u32>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// For a stream of `templates`, at its start.
    pub fn new(templates: Templates) -> Decoder {
        let slots = (0..templates.slots).map(|_| Slot { held: Held::Undefined, bytes: Vec::new() });
        Decoder { slots: slots.collect(), templates, template: None, scratch: Vec::new() }
    }

    /// The stream starts anew: nothing was said before.
    pub fn reset(&mut self) {
        self.template = None;
        self.slots.iter_mut().for_each(|slot| slot.held = Held::Undefined);
    }

    /// Decodes one message; returns what follows it.
    ///
    /// # Errors
    /// Bytes that are no message of the templates. What the sink heard until then is void.
    pub fn message<'a>(
        &mut self,
        bytes: &'a [u8],
        sink: &mut impl FastSink,
    ) -> Result<&'a [u8], FastError> {
        let mut input = Input(bytes);
        let mut pmap = input.pmap()?;
        if pmap.next() {
            let id = u32::try_from(input.unsigned()?).map_err(|_| FastError::Range)?;
            self.template = Some(id);
        }
        let id = self.template.ok_or(FastError::Absent)?;
        let template = self.templates.list.iter().find(|template| template.id == id);
        let template = template.ok_or(FastError::Template(id))?;
        sink.begin(id);
        let mut walk =
            Walk { input, slots: &mut self.slots, scratch: &mut self.scratch, sink, elements: 0 };
        walk.body(&template.body, &mut pmap)?;
        let rest = walk.input.0;
        sink.end();
        Ok(rest)
    }
}

struct Walk<'a, 'b, S> {
    input: Input<'a>,
    slots: &'b mut Vec<Slot>,
    scratch: &'b mut Vec<u8>,
    sink: &'b mut S,
    elements: u32,
}

impl<S: FastSink> Walk<'_, '_, S> {
    fn body(&mut self, body: &[Instruction], pmap: &mut Pmap<'_>) -> Result<(), FastError> {
        body.iter().try_for_each(|instruction| self.instruction(instruction, pmap))
    }

    fn instruction(&mut self, of: &Instruction, pmap: &mut Pmap<'_>) -> Result<(), FastError> {
        match of {
            Instruction::Field(field) => {
                let held = self.field(field, pmap)?;
                self.tell(&field.name, held, field.slot);
            }
            Instruction::Parts { name, exponent, mantissa } => {
                let held = match self.field(exponent, pmap)? {
                    Held::Number(exponent) => match self.field(mantissa, pmap)? {
                        Held::Number(mantissa) => {
                            Held::Decimal(narrow(mantissa)?, narrow32(exponent)?)
                        }
                        _ => return Err(FastError::Absent),
                    },
                    _ => Held::Empty,
                };
                self.tell(name, held, usize::MAX);
            }
            Instruction::Group { optional, body, pmap: own } => {
                if !*optional || pmap.next() {
                    self.segment(body, *own, pmap)?;
                }
            }
            Instruction::Sequence { name, length, body, pmap: own } => {
                let Held::Number(length) = self.field(length, pmap)? else { return Ok(()) };
                let length = u32::try_from(length).map_err(|_| FastError::Range)?;
                self.elements = self.elements.saturating_add(length);
                if self.elements > ELEMENTS_MAX {
                    return Err(FastError::TooLong);
                }
                self.sink.sequence(name, length);
                let mut none = Pmap::NONE;
                for _ in 0..length {
                    self.segment(body, *own, &mut none)?;
                    self.sink.element();
                }
                self.sink.sequence_end();
            }
        }
        Ok(())
    }

    /// Instructions with a presence map of their own, if any of them needs one.
    fn segment(
        &mut self,
        body: &[Instruction],
        own: bool,
        outer: &mut Pmap<'_>,
    ) -> Result<(), FastError> {
        if own {
            let mut pmap = self.input.pmap()?;
            return self.body(body, &mut pmap);
        }
        self.body(body, outer)
    }

    fn tell(&mut self, name: &str, held: Held, slot: usize) {
        let value = match held {
            Held::Undefined | Held::Empty => Value::Absent,
            Held::Number(number) => Value::Number(number),
            Held::Decimal(mantissa, exponent) => Value::Decimal { mantissa, exponent },
            Held::Bytes => Value::Bytes(self.slots.get(slot).map_or(&[][..], |slot| &slot.bytes)),
        };
        self.sink.value(name, value);
    }

    /// The value of a field, put into its slot: [`Held::Empty`] for none. Bytes stay in the slot.
    fn field(&mut self, field: &Field, pmap: &mut Pmap<'_>) -> Result<Held, FastError> {
        match field.operator {
            Operator::None => {
                let held = self.read(field)?;
                Ok(self.put(field, held))
            }
            Operator::Constant => match field.optional && !pmap.next() {
                true => Ok(Held::Empty),
                false => self.initial(field),
            },
            Operator::Default => match pmap.next() {
                true => {
                    let held = self.read(field)?;
                    Ok(self.put(field, held))
                }
                false => self.initial(field),
            },
            Operator::Copy | Operator::Increment | Operator::Tail => match pmap.next() {
                true if field.operator == Operator::Tail => self.tail(field),
                true => {
                    let held = self.read(field)?;
                    Ok(self.put(field, held))
                }
                false => self.previous(field),
            },
            Operator::Delta => self.delta(field),
        }
    }

    /// The field's bit says: as before.
    fn previous(&mut self, field: &Field) -> Result<Held, FastError> {
        let held = match self.held(field) {
            Held::Undefined => return self.initial(field),
            Held::Empty => {
                return if field.optional { Ok(Held::Empty) } else { Err(FastError::Absent) };
            }
            held => held,
        };
        match (field.operator, held) {
            (Operator::Increment, Held::Number(number)) => {
                Ok(self.put(field, Held::Number(wrapped(field.kind, number))))
            }
            _ => Ok(held),
        }
    }

    /// The initial value into the slot; none is empty, which a mandatory field cannot be.
    fn initial(&mut self, field: &Field) -> Result<Held, FastError> {
        let held = match &field.initial {
            None if field.optional => Held::Empty,
            None => return Err(FastError::Absent),
            Some(Initial::Number(number)) => Held::Number(*number),
            Some(Initial::Decimal(mantissa, exponent)) => Held::Decimal(*mantissa, *exponent),
            Some(Initial::Bytes(bytes)) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(bytes);
                Held::Bytes
            }
        };
        Ok(self.put(field, held))
    }

    fn delta(&mut self, field: &Field) -> Result<Held, FastError> {
        let base = match (self.held(field), &field.initial) {
            (Held::Empty, _) => return Err(FastError::Absent),
            (Held::Undefined, Some(Initial::Number(number))) => Held::Number(*number),
            (Held::Undefined, Some(Initial::Decimal(mantissa, exponent))) => {
                Held::Decimal(*mantissa, *exponent)
            }
            (held, _) => held,
        };
        let held = match field.kind {
            Kind::Ascii | Kind::Vector => return self.text_delta(field),
            Kind::Decimal => {
                let Some(exponent) = self.signed(field.optional)? else { return Ok(Held::Empty) };
                let mantissa = self.input.signed()?;
                let (m, e) = if let Held::Decimal(m, e) = base { (m, e) } else { (0, 0) };
                Held::Decimal(
                    narrow(i128::from(m) + mantissa)?,
                    narrow32(i128::from(e) + exponent)?,
                )
            }
            _ => {
                let Some(delta) = self.signed(field.optional)? else { return Ok(Held::Empty) };
                let base = if let Held::Number(base) = base { base } else { 0 };
                Held::Number(within(field.kind, base + delta)?)
            }
        };
        Ok(self.put(field, held))
    }

    /// So many bytes off one end, then others in their place (specification 6.3.7.3).
    fn text_delta(&mut self, field: &Field) -> Result<Held, FastError> {
        let Some(off) = self.signed(field.optional)? else { return Ok(Held::Empty) };
        self.text(field.kind, false)?;
        self.base(field);
        let Some(slot) = self.slots.get_mut(field.slot) else { return Ok(Held::Empty) };
        let front = off < 0;
        let off = if front { -(off + 1) } else { off };
        let off = usize::try_from(off).ok().filter(|off| *off <= slot.bytes.len());
        let off = off.ok_or(FastError::Delta)?;
        let keep = slot.bytes.len() - off;
        if keep + self.scratch.len() > TEXT_MAX {
            return Err(FastError::TooLong);
        }
        if front {
            slot.bytes.splice(..off, self.scratch.iter().copied());
        } else {
            slot.bytes.truncate(keep);
            slot.bytes.extend_from_slice(self.scratch);
        }
        slot.held = Held::Bytes;
        Ok(Held::Bytes)
    }

    /// Other bytes in place of the last ones (specification 6.3.8).
    fn tail(&mut self, field: &Field) -> Result<Held, FastError> {
        if !self.text(field.kind, field.optional)? {
            return Ok(self.put(field, Held::Empty));
        }
        self.base(field);
        let Some(slot) = self.slots.get_mut(field.slot) else { return Ok(Held::Empty) };
        slot.bytes.truncate(slot.bytes.len().saturating_sub(self.scratch.len()));
        slot.bytes.extend_from_slice(self.scratch);
        slot.held = Held::Bytes;
        Ok(Held::Bytes)
    }

    /// Puts the base value of a tail or delta into the slot's bytes.
    fn base(&mut self, field: &Field) {
        let Some(slot) = self.slots.get_mut(field.slot) else { return };
        if slot.held != Held::Bytes {
            slot.bytes.clear();
            if let (Held::Undefined, Some(Initial::Bytes(bytes))) = (slot.held, &field.initial) {
                slot.bytes.extend_from_slice(bytes);
            }
        }
    }

    /// A value from the message; bytes are left in the scratch buffer.
    fn read(&mut self, field: &Field) -> Result<Held, FastError> {
        let nullable = field.optional;
        let number = match field.kind {
            Kind::Ascii | Kind::Vector => {
                let there = self.text(field.kind, nullable)?;
                return Ok(if there { Held::Bytes } else { Held::Empty });
            }
            Kind::Decimal => {
                let Some(exponent) = self.signed(nullable)? else { return Ok(Held::Empty) };
                let mantissa = self.input.signed()?;
                return Ok(Held::Decimal(narrow(mantissa)?, narrow32(exponent)?));
            }
            Kind::Int32 | Kind::Int64 => self.signed(nullable)?,
            Kind::UInt32 | Kind::UInt64 => {
                let number = if nullable {
                    self.input.unsigned_nullable()?
                } else {
                    Some(self.input.unsigned()?)
                };
                number
                    .map(|number| i128::try_from(number).map_err(|_| FastError::Range))
                    .transpose()?
            }
        };
        match number {
            None => Ok(Held::Empty),
            Some(number) => Ok(Held::Number(within(field.kind, number)?)),
        }
    }

    fn signed(&mut self, nullable: bool) -> Result<Option<i128>, FastError> {
        if nullable { self.input.signed_nullable() } else { self.input.signed().map(Some) }
    }

    fn text(&mut self, kind: Kind, nullable: bool) -> Result<bool, FastError> {
        match kind {
            Kind::Vector => self.input.vector(nullable, self.scratch),
            _ => self.input.ascii(nullable, self.scratch),
        }
    }

    fn held(&self, field: &Field) -> Held {
        self.slots.get(field.slot).map_or(Held::Undefined, |slot| slot.held)
    }

    fn put(&mut self, field: &Field, held: Held) -> Held {
        if let Some(slot) = self.slots.get_mut(field.slot) {
            slot.held = held;
            if held == Held::Bytes {
                slot.bytes.clear();
                slot.bytes.extend_from_slice(self.scratch);
            }
        }
        held
    }
}

fn narrow(number: i128) -> Result<i64, FastError> {
    i64::try_from(number).map_err(|_| FastError::Range)
}

fn narrow32(number: i128) -> Result<i32, FastError> {
    i32::try_from(number).map_err(|_| FastError::Range)
}

const fn range(kind: Kind) -> (i128, i128) {
    match kind {
        Kind::UInt32 => (0, u32::MAX as i128),
        Kind::UInt64 => (0, u64::MAX as i128),
        Kind::Int32 => (i32::MIN as i128, i32::MAX as i128),
        _ => (i64::MIN as i128, i64::MAX as i128),
    }
}

fn within(kind: Kind, number: i128) -> Result<i128, FastError> {
    let (low, high) = range(kind);
    if (low..=high).contains(&number) { Ok(number) } else { Err(FastError::Range) }
}

/// One more; behind the largest comes the smallest (specification 6.3.6).
fn wrapped(kind: Kind, number: i128) -> i128 {
    let (low, high) = range(kind);
    if number >= high { low } else { number + 1 }
}
