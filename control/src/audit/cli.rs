//! `nofx-control audit …`: checks, proofs and exports of a log file, with no process running.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::key::{Signer, Verifier};
use super::note::Checkpoint;
use super::proof::{Proof, prove};
use super::query::{self, Filter};
use super::verify::{Verify, verify_file};
use super::{AuditError, db, second_place};
use crate::failure::Failure;

/// Arguments of `nofx-control audit`.
#[derive(Clone, Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What can be done with a log file.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Check every record, and name the first that is wrong.
    ///
    /// Without --checkpoint the end of the log cannot be vouched for: records cut off there leave no
    /// trace in the file.
    Verify {
        /// The log (audit.path of the configuration).
        file: PathBuf,
        #[command(flatten)]
        heads: Heads,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the proof of one record as JSON, to be checked with `check-proof` or other software.
    Prove {
        /// The log.
        file: PathBuf,
        /// Number of the record.
        #[arg(long)]
        seq: u64,
        /// Prove also that the log of this many records is the beginning.
        #[arg(long, value_name = "SIZE")]
        old: Option<u64>,
        /// Prove against the log of this many records; all of them if not given.
        #[arg(long, value_name = "SIZE", conflicts_with = "checkpoint")]
        size: Option<u64>,
        /// Prove against the last signed head of this file, and put it into the proof.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Check a proof against a signed head, without the log.
    CheckProof {
        /// The proof, as `prove` or the API gives it.
        proof: PathBuf,
        /// A file of signed heads; the head in the proof itself if not given.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Public key of the log: PEM, or name+id+base64.
        #[arg(long, value_name = "PUB")]
        key: PathBuf,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the records as JSON lines, the oldest first.
    Export {
        /// The log.
        file: PathBuf,
        /// From this time on: nanoseconds since 1970, or 2026-01-31, or 2026-01-31T09:30:00Z.
        #[arg(long, value_parser = time)]
        from: Option<u64>,
        /// Before this time.
        #[arg(long, value_parser = time)]
        to: Option<u64>,
    },
    /// Copy the log to a new file, also while it is written to.
    Backup {
        /// The log.
        file: PathBuf,
        /// The new file.
        to: PathBuf,
    },
    /// Make a signing key (Ed25519, PKCS#8 PEM, mode 600) and print its public key.
    NewKey {
        /// The new file.
        file: PathBuf,
    },
    /// Print the public key of a signing key as PEM; with --name as name+id+base64.
    PublicKey {
        /// The private key (audit.key of the configuration).
        key: PathBuf,
        /// Name of the log, as its heads show it.
        #[arg(long)]
        name: Option<String>,
    },
}

/// Signed heads and the key that checks them.
#[derive(Clone, Debug, clap::Args)]
struct Heads {
    /// The file of signed heads (audit.checkpoint of the configuration).
    #[arg(long, value_name = "FILE", requires = "key")]
    checkpoint: Option<PathBuf>,
    /// Public key of the log: PEM, or name+id+base64.
    #[arg(long, value_name = "PUB", requires = "checkpoint")]
    key: Option<PathBuf>,
}

impl Heads {
    fn open(&self) -> Result<Option<Verify>, AuditError> {
        let (Some(file), Some(key)) = (&self.checkpoint, &self.key) else { return Ok(None) };
        let mut verify = Verify::heads(file, Verifier::load(key)?)?;
        if verify.is_empty() {
            let why = "no signed head in it".into();
            return Err(AuditError::Checkpoint { path: file.clone(), why });
        }
        Ok(Some(verify))
    }
}

/// Runs it: exit code 0 done, 1 something is wrong with the log or the proof, 3 cannot read or write.
///
/// # Errors
/// The log cannot be read or does not verify, or an output cannot be written.
pub fn run(args: Args) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let found = execute(args.command, &mut out)?;
    out.flush().map_err(Failure::input)?;
    found.map_or(Ok(()), |found| Err(Failure::wrong(found)))
}

/// What was found to be wrong, if anything.
type Found = Option<String>;

fn execute(command: Command, out: &mut impl Write) -> Result<Found, AuditError> {
    match command {
        Command::Verify { file, heads, json } => return check(&file, &heads, json, out),
        Command::Prove { file, seq, old, size, checkpoint } => {
            print_json(&proof(&file, seq, old, size, checkpoint.as_deref())?, out)?;
        }
        Command::CheckProof { proof, checkpoint, key, json } => {
            return check_proof(&proof, checkpoint.as_deref(), &key, json, out);
        }
        Command::Export { file, from, to } => export(&file, from, to, out)?,
        Command::Backup { file, to } => query::back_up(&db::open_to_read(&file)?, &to)?,
        Command::NewKey { file } => new_key(&file, out)?,
        Command::PublicKey { key, name } => {
            let verifier = Signer::load(&key, "")?.verifier();
            let text = name.map_or_else(|| verifier.pem(), |name| verifier.vkey(&name) + "\n");
            write!(out, "{text}")?;
        }
    }
    Ok(None)
}

fn check(
    file: &Path,
    heads: &Heads,
    json: bool,
    out: &mut impl Write,
) -> Result<Found, AuditError> {
    let verify = heads.open()?;
    let vouching = verify.is_some();
    let report = verify_file(file, verify)?;
    if json {
        print_json(&report, out)?;
    } else {
        writeln!(out, "log      {}", report.origin)?;
        writeln!(out, "records  {} right, {} of them without body", report.size, report.dropped)?;
        writeln!(out, "root     {}", report.root)?;
        match (&report.finding, vouching) {
            (Some(found), _) => {
                let which = found.seq.map_or("the file".into(), |seq| format!("record {seq}"));
                writeln!(out, "first    {which}: {}", found.kind)?;
            }
            (None, true) => writeln!(
                out,
                "ok       {} signed heads agree, the last of {} records",
                report.heads, report.vouched
            )?,
            (None, false) => writeln!(
                out,
                "ok       the records agree with each other; give --checkpoint and --key to see \
                 that none is missing at the end"
            )?,
        }
    }
    Ok(report.finding.map(|found| match found.seq {
        Some(seq) => format!("record {seq}: {}: {}", found.kind, found.detail),
        None => format!("{}: {}", found.kind, found.detail),
    }))
}

fn proof(
    file: &Path,
    seq: u64,
    old: Option<u64>,
    size: Option<u64>,
    checkpoint: Option<&Path>,
) -> Result<Proof, AuditError> {
    let connection = db::open_to_read(file)?;
    let Some(path) = checkpoint else {
        let size = size.map_or_else(|| db::size(&connection), Ok)?;
        return prove(&connection, seq, size, old);
    };
    let note = notes(path)?.last().unwrap_or_default();
    // Who proves need not hold the key; who checks does.
    let point = Checkpoint::unverified(&note).ok_or_else(|| AuditError::Checkpoint {
        path: path.to_owned(),
        why: "no signed head in it".into(),
    })?;
    let proof = prove(&connection, seq, point.head.size, old)?;
    Ok(Proof { checkpoint: Some(note), ..proof })
}

fn check_proof(
    proof: &Path,
    checkpoint: Option<&Path>,
    key: &Path,
    json: bool,
    out: &mut impl Write,
) -> Result<Found, AuditError> {
    let key = Verifier::load(key)?;
    let unreadable = |why: String| AuditError::Disk(format!("{}: {why}", proof.display()));
    let text = fs::read_to_string(proof).map_err(|error| unreadable(error.to_string()))?;
    let proof: Proof =
        serde_json::from_str(&text).map_err(|error| unreadable(format!("not a proof: {error}")))?;
    let checked = match checkpoint {
        Some(path) => proof.check(notes(path)?, &key),
        None => proof.check(proof.checkpoint.clone().into_iter(), &key),
    };
    let why = checked.err();
    if json {
        print_json(
            &json!({ "ok": why.is_none(), "seq": proof.seq, "size": proof.size, "why": why }),
            out,
        )?;
    } else if why.is_none() {
        writeln!(out, "ok       record {} of the {} that were signed", proof.seq, proof.size)?;
    }
    Ok(why)
}

/// The notes of a file, up to the first that cannot be read.
fn notes(path: &Path) -> Result<impl Iterator<Item = String>, AuditError> {
    let notes = second_place::open(path).map_err(|error| AuditError::Checkpoint {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    Ok(notes.map_while(Result::ok).map(|(_, note)| note))
}

fn export(
    file: &Path,
    from: Option<u64>,
    to: Option<u64>,
    out: &mut impl Write,
) -> Result<(), AuditError> {
    let filter = Filter { from, to, ..Filter::default() };
    query::each(&db::open_to_read(file)?, &filter, |record| {
        let line = serde_json::to_string(&record).map_err(AuditError::encoding)?;
        Ok(writeln!(out, "{line}")?)
    })?;
    Ok(())
}

fn new_key(file: &Path, out: &mut impl Write) -> Result<(), AuditError> {
    use std::os::unix::fs::OpenOptionsExt;
    let pem = Signer::generate()?;
    let mut key = fs::File::options().write(true).create_new(true).mode(0o600).open(file)?;
    key.write_all(pem.as_bytes())?;
    key.sync_all()?;
    Ok(write!(out, "{}", Signer::load(file, "")?.verifier().pem())?)
}

fn print_json(value: &impl serde::Serialize, out: &mut impl Write) -> Result<(), AuditError> {
    let value: Value = serde_json::to_value(value).map_err(AuditError::encoding)?;
    Ok(writeln!(out, "{value:#}")?)
}

/// Nanoseconds since 1970 of a number, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ`.
fn time(text: &str) -> Result<u64, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let wrong =
        || format!("{text:?} is not a time: write 2026-01-31T09:30:00Z, 2026-01-31 or nanoseconds");
    let (date, clock) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let numbers = |text: &str, separator| -> Option<[u64; 3]> {
        let parts: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-').ok_or_else(wrong)?;
    let [hour, minute, second] =
        clock.strip_suffix('Z').and_then(|clock| numbers(clock, ':')).ok_or_else(wrong)?;
    let in_range = (1970..2262).contains(&year) && (1..=12).contains(&month);
    if !in_range || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(wrong());
    }
    Ok((days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000_000)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March put the leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}
