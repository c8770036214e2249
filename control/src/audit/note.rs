//! Signed heads of the tree as C2SP checkpoints: <https://c2sp.org/tlog-checkpoint> in a
//! <https://c2sp.org/signed-note>.
//!
//! ```text
//! desk.example/nofx-audit/4f1c29aa            origin: the name of the log
//! 20852163                                    size: number of records
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        root of the tree
//!
//! — desk.example/nofx-audit/4f1c29aa Az3grlgtzPICa5OS8…   key id and signature
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::hash::Hash;
use super::key::{Signer, Verifier};
use super::merkle::Head;

/// The most bytes and signature lines of a note that are looked at.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SIGNATURES: usize = 64;

/// A head under the name of its log: the text of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// Its size and root.
    pub head: Head,
}

impl Checkpoint {
    /// The signed note.
    pub fn sign(&self, signer: &Signer) -> String {
        let text = format!("{}\n{}\n{}\n", self.origin, self.head.size, self.head.root);
        let name = signer.name();
        let id = signer.verifier().id(name);
        let signature = [&id[..], &signer.sign(&text)].concat();
        format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
    }

    /// Reads a signed note and checks it with `key`; the error says what is wrong.
    pub fn open(note: &str, key: &Verifier) -> Result<Checkpoint, &'static str> {
        let text = open(note, key)?;
        Checkpoint::parse(text).ok_or("the signed text is not a checkpoint")
    }

    /// The checkpoint of a note whose signature is not looked at.
    pub fn unverified(note: &str) -> Option<Checkpoint> {
        Checkpoint::parse(note.get(..=note.rfind("\n\n")?)?)
    }

    /// The three lines of the text; extension lines are allowed and not looked at.
    fn parse(text: &str) -> Option<Checkpoint> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size)?;
        let head = Head { size: number, root: Hash::parse(root)? };
        Some(Checkpoint { origin: origin.to_owned(), head })
    }
}

/// The text of a signed note, if `key` signed it. Signatures of other keys are passed over; one of
/// this key that is wrong makes the note wrong.
pub fn open<'a>(note: &'a str, key: &Verifier) -> Result<&'a str, &'static str> {
    let control = |c: char| c < ' ' && c != '\n';
    if note.len() > MAX_BYTES || note.contains(control) {
        return Err("not a signed note: too long, or control characters in it");
    }
    let end = note.rfind("\n\n").ok_or("not a signed note: no empty line before signatures")?;
    let (Some(text), Some(lines)) = (note.get(..=end), note.get(end + 2..)) else {
        return Err("not a signed note");
    };
    let lines = lines.strip_suffix('\n').ok_or("the last line of the note is cut off")?;
    let mut signed = false;
    for (number, line) in lines.split('\n').enumerate() {
        let (name, id, signature) = signature(line).ok_or("a signature line is malformed")?;
        if number >= MAX_SIGNATURES {
            return Err("too many signatures");
        }
        if key.is_for(name) && key.id(name) == id {
            if !key.verifies(text, &signature) {
                return Err("the signature is wrong: forged, or the text was changed");
            }
            signed = true;
        }
    }
    if signed { Ok(text) } else { Err("no signature of this key: another key, or forged") }
}

/// Name, key id and signature of a line.
fn signature(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains(|c: char| c == '+' || c.is_whitespace()) {
        return None;
    }
    let bytes = STANDARD.decode(base64).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    (!signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}
