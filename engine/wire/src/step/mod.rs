//! STEP: the envelope of Shanghai's market data (LDDS Level-2; FIX-like tag=value, SOH between).
//!
//! Model: [`next_message`] finds a whole message at the front of the bytes, proves its length and its
//! checksum, and lends its type and its raw data. A message begins with tag 8, then 9 (body length,
//! from behind its SOH up to tag 10), and ends with tag 10: the sum of all bytes before it modulo 256,
//! three digits. Raw data (tag 96) may hold any byte, SOH too: tag 95 in front tells its length.
//!
//! Worst case: linear in the message, at most [`MESSAGE_MAX`] bytes. Nothing panics on outside bytes.

/// Ends a field.
pub const SOH: u8 = 0x01;
/// Longest message that is believed.
pub const MESSAGE_MAX: usize = 1 << 20;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Tag 35.
    pub kind: &'a [u8],
    /// Tag 96, empty where there is none.
    pub raw: &'a [u8],
    /// All fields between tags 9 and 10, their SOH included.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The fields of the body, in order.
    pub fn fields(&self) -> Fields<'a> {
        Fields { rest: self.body, raw: None }
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepError {
    /// It does not begin with tags 8 and 9.
    Head,
    /// The length leads to no tag 10, or beyond [`MESSAGE_MAX`].
    Length,
    /// The checksum is another.
    Checksum,
    /// A field without `=`, or raw data without their length.
    Field,
}

/// The message at the front of `bytes` and what follows it; `None` if it is not whole yet.
///
/// # Errors
/// Bytes that are no message, however many follow.
pub fn next_message(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>, StepError> {
    let Some((_, rest)) = headed(bytes, b"8=", StepError::Head)? else { return Ok(None) };
    let Some((length, rest)) = headed(rest, b"9=", StepError::Head)? else { return Ok(None) };
    let length = number(length).filter(|n| *n <= MESSAGE_MAX).ok_or(StepError::Length)?;
    let Some((body, tail)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some((check, follows)) = headed(tail, b"10=", StepError::Length)? else { return Ok(None) };
    let front = bytes.get(..bytes.len() - tail.len()).unwrap_or_default();
    let sum = front.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if check.len() != 3 || number(check) != Some(usize::from(sum)) {
        return Err(StepError::Checksum);
    }
    let mut message = Message { kind: &[], raw: &[], body };
    for field in message.fields() {
        match field? {
            (35, value) => message.kind = value,
            (96, value) => message.raw = value,
            _ => {}
        }
    }
    Ok(Some((message, follows)))
}

/// The value of a field, and what follows it.
type Headed<'a> = (&'a [u8], &'a [u8]);

/// The value of the field `tag` at the front, and what follows; `None` if it is not whole yet.
fn headed<'a>(
    bytes: &'a [u8],
    tag: &[u8],
    wrong: StepError,
) -> Result<Option<Headed<'a>>, StepError> {
    /// Values of tags 8, 9 and 10 are no longer.
    const VALUE_MAX: usize = 32;
    let Some(value) = bytes.strip_prefix(tag) else {
        return if tag.starts_with(bytes) { Ok(None) } else { Err(wrong) };
    };
    match value.iter().take(VALUE_MAX).position(|byte| *byte == SOH) {
        Some(end) => {
            let (value, rest) = value.split_at(end);
            Ok(Some((value, rest.get(1..).unwrap_or_default())))
        }
        None if value.len() < VALUE_MAX => Ok(None),
        None => Err(wrong),
    }
}

fn number(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0usize, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + usize::from(byte - b'0'))
    })
}

/// Fields of a body.
pub struct Fields<'a> {
    rest: &'a [u8],
    /// Value of tag 95, until tag 96 has used it.
    raw: Option<usize>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(usize, &'a [u8]), StepError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(StepError::Field))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(usize, &'a [u8])> {
        let sign = self.rest.iter().position(|byte| *byte == b'=')?;
        let (tag, rest) = self.rest.split_at(sign);
        let (tag, rest) = (number(tag)?, rest.get(1..)?);
        let end = match tag {
            96 => self.raw.take()?,
            _ => rest.iter().position(|byte| *byte == SOH)?,
        };
        let value = rest.get(..end)?;
        let [SOH, rest @ ..] = rest.get(end..)? else { return None };
        if tag == 95 {
            self.raw = Some(number(value)?);
        }
        self.rest = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    /// Written apart from the decoder.
    fn message(kind: &str, raw: &[u8]) -> Vec<u8> {
        let mut body = format!("35={kind}\x0195={}\x0196=", raw.len()).into_bytes();
        body.extend_from_slice(raw);
        body.push(1);
        let mut bytes = format!("8=STEP.1.0.0\x019={}\x01", body.len()).into_bytes();
        bytes.extend(body);
        let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
        bytes.extend(format!("10={:03}\x01", sum % 256).into_bytes());
        bytes
    }

    #[test]
    fn raw_data_may_hold_anything_and_a_message_may_be_cut_anywhere() {
        let raw = b"\x0110=000\x018=\x00\xff";
        let bytes = [message("UA5803", raw), message("UA3202", b"")].concat();
        let (first, rest) = next_message(&bytes).expect("sound").expect("whole");
        assert_eq!((first.kind, first.raw), (&b"UA5803"[..], &raw[..]));
        let (second, rest) = next_message(rest).expect("sound").expect("whole");
        assert_eq!((second.kind, second.raw, rest), (&b"UA3202"[..], &b""[..], &b""[..]));
        let one = message("UA5803", raw);
        for end in 0..one.len() {
            assert_eq!(next_message(&one[..end]), Ok(None), "cut at {end}");
        }
    }

    #[test]
    fn every_damaged_byte_is_noticed_or_harmless() {
        let good = message("UA5803", b"abc");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            let read = next_message(&bad);
            assert!(!matches!(read, Ok(Some(_))), "byte {at}: {read:?}");
        }
        let mut lied = message("UA5803", b"abc");
        lied.iter_mut().filter(|b| **b == b'3').for_each(|b| *b = b'9');
        assert!(next_message(&lied).is_err());
        assert_eq!(next_message(b"9=3\x01"), Err(StepError::Head));
        assert_eq!(next_message(b"8=S\x019=99999999\x01"), Err(StepError::Length));
    }
}
