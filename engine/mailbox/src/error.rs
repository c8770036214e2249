//! What can go wrong with a mailbox, as text for the person who has to act on it.

use std::io;
use std::path::PathBuf;

use crate::Scope;

/// Why a mailbox cannot be made, attached or steered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source} ({advice})", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was being done, after "cannot".
        doing: &'static str,
        /// What to do about it.
        advice: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The file begins with something else.
    #[error("{}: not a mailbox, it begins with {found:016x}; name the file that the engine made", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Its first eight bytes as a little-endian number.
        found: u64,
    },
    /// The file's layout is another one.
    #[error(
        "{}: the mailbox has ABI version {found} (engine \"{engine}\"), this program reads version {want}: use programs of one release for engine and tools",
        file.display()
    )]
    WrongAbi {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        want: u32,
        /// The engine that made it, in its own words.
        engine: String,
    },
    /// The file is shorter than a mailbox, or than it says.
    #[error("{}: cut off: {found} bytes, want {want}; start the engine again to make a new one", file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Its length.
        found: u64,
        /// The length it should have.
        want: u64,
    },
    /// The header contradicts itself.
    #[error("{}: damaged: {what}; start the engine again to make a new one", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Another process holds it.
    #[error("{}: in use by process {pid}: stop it first, or configure another file", file.display())]
    InUse {
        /// The lock file.
        file: PathBuf,
        /// Who holds it, 0 when it did not say.
        pid: u32,
    },
    /// A dead engine's ring holds records that are in no segment file yet.
    #[error(
        "{}: the engine before left {bytes} bytes of journal in its ring: recover them (`journal::recover`) before a new engine takes the file",
        file.display()
    )]
    Undrained {
        /// The file.
        file: PathBuf,
        /// Bytes that wait.
        bytes: u64,
    },
    /// The specification would give numbers again that the engine before gave already.
    #[error(
        "{}: the engine before pushed journal records up to {last}, and the next is to begin at {first}: the segment files have lost records, or belong to another mailbox; if a new journal is meant, remove the mailbox",
        file.display()
    )]
    NumbersAgain {
        /// The file.
        file: PathBuf,
        /// Last record of the engine before.
        last: u64,
        /// First of the new one.
        first: u64,
    },
    /// The specification cannot be laid out.
    #[error("mailbox.{key}: {problem}")]
    Spec {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A new engine took the file over while this was done.
    #[error("{}: a new engine took the mailbox over: open it again and look at what it took along", file.display())]
    Moved {
        /// The file.
        file: PathBuf,
    },
    /// A page is longer than this engine's pages.
    #[error(
        "{words} words do not fit a page of {what}, which has {room}: leave out what the configuration says anyway"
    )]
    PageTooLong {
        /// Parameters or models.
        what: &'static str,
        /// Words of the page.
        words: usize,
        /// Words that fit.
        room: usize,
    },
    /// No kept page has this version.
    #[error("no version {version} of {what} to roll back to; kept are {kept:?}")]
    NoSuchVersion {
        /// Parameters or models.
        what: &'static str,
        /// What was asked for.
        version: u64,
        /// What there is, the latest in force first.
        kept: Vec<u64>,
    },
    /// There is no kill word for this.
    #[error(
        "no kill word for {scope}: the engine has {accounts} accounts and {instruments} instruments"
    )]
    NoSuchScope {
        /// What was asked for.
        scope: Scope,
        /// Accounts with a word.
        accounts: u32,
        /// Instruments with a word.
        instruments: u32,
    },
}

impl MailboxError {
    pub(crate) fn io(
        file: &std::path::Path,
        doing: &'static str,
        advice: &'static str,
        source: io::Error,
    ) -> MailboxError {
        MailboxError::Io { file: file.to_owned(), doing, advice, source }
    }
}
