//! What a machine says about itself: files below a root, and the output of a few programs.
//!
//! Model: everything is read through [`Host`], so that a copied or made-up tree stands for a
//! machine. Below another root than `/`, the output of `PROGRAM ARGUMENTS` is the file
//! `output/PROGRAM ARGUMENTS`, and nothing is run. Whatever cannot be read is `None`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nofx_rt::sched::parse_cores;

/// Longest file that is read; the rest of a longer one is ignored.
const READ_MAX: u64 = 1 << 20;

/// A machine, or a tree that stands for one.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

impl Host {
    /// The machine whose `/proc` and `/sys` are below `root`.
    pub fn at(root: &Path) -> Host {
        Host { root: root.to_owned() }
    }

    /// Whether it is the machine that this process runs on.
    pub fn is_this_one(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where `path`, without a slash in front, is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file, as text, without space around it.
    pub fn read(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file's bytes.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.path(path);
        let kind = fs::metadata(&path).ok()?.file_type();
        // A pipe or socket in a copied tree would wait for ever.
        if !kind.is_file() && !path.starts_with(self.path("dev")) {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(READ_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A file that holds one number.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.read(path)?.parse().ok()
    }

    /// A file that holds a list of cores, as `0-3,8`.
    pub fn cores(&self, path: &str) -> Option<Vec<usize>> {
        let text = self.read(path)?;
        // What `nohz_full` says where none are named.
        parse_cores(if text == "(null)" { "" } else { &text })
    }

    /// A file that holds a mask of cores: hexadecimal words of 32 bits, the highest first.
    pub fn mask(&self, path: &str) -> Option<Vec<usize>> {
        parse_mask(&self.read(path)?)
    }

    /// The word in brackets of a file as `always [madvise] never`.
    pub fn chosen(&self, path: &str) -> Option<String> {
        let text = self.read(path)?;
        let (_, rest) = text.split_once('[')?;
        Some(rest.split_once(']')?.0.to_owned())
    }

    /// What follows `key` in a file of `key: value` lines.
    pub fn field(&self, path: &str, key: &str) -> Option<String> {
        let text = self.read(path)?;
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
    }

    /// Names in a folder, rising; none where it is not there.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Whether `path` is there.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Last name of what a symbolic link points to.
    pub fn link_name(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// Whether a process of this name runs.
    pub fn runs(&self, name: &str) -> bool {
        let processes =
            self.names("proc").into_iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        processes
            .into_iter()
            .any(|id| self.read(&format!("proc/{id}/comm")).as_deref() == Some(name))
    }

    /// What `program arguments` prints; `None` where it does not exist or fails.
    pub fn output(&self, program: &str, arguments: &str) -> Option<String> {
        if !self.is_this_one() {
            return self.read(&format!("output/{program} {arguments}"));
        }
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).stdin(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Writes `value` into a file that is there.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn write(&self, path: &str, value: &str) -> io::Result<()> {
        if !self.is_this_one() {
            return self.stand_in(path, value);
        }
        File::options().write(true).open(self.path(path))?.write_all(value.as_bytes())
    }

    /// As the kernel would: a choice moves its brackets, a line keeps its end.
    fn stand_in(&self, path: &str, value: &str) -> io::Result<()> {
        let path = self.path(path);
        let old = fs::read_to_string(&path)?;
        let text = match old.contains('[') {
            true => {
                let words = old.split_whitespace().map(|word| word.trim_matches(['[', ']']));
                let marked =
                    words.map(|w| if w == value { format!("[{w}]") } else { w.to_owned() });
                marked.collect::<Vec<_>>().join(" ")
            }
            false => value.to_owned(),
        };
        fs::write(path, if old.ends_with('\n') { text + "\n" } else { text })
    }
}

/// Reads a mask of cores as the kernel writes it: `ff`, `1,00000000`.
pub fn parse_mask(text: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for (at, word) in text.trim().rsplit(',').enumerate() {
        let word = u32::from_str_radix(word, 16).ok()?;
        cores.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| at * 32 + bit));
    }
    Some(cores)
}

/// Writes a mask of cores as the kernel reads it.
pub fn mask_of(cores: &[usize]) -> String {
    let words = cores.iter().max().map_or(1, |most| most / 32 + 1);
    let word = |at: usize| {
        let bits = cores.iter().filter(|core| **core / 32 == at);
        bits.fold(0u32, |word, core| word | 1 << (core % 32))
    };
    let mut text = format!("{:x}", word(words - 1));
    (0..words - 1).rev().for_each(|at| text += &format!(",{:08x}", word(at)));
    text
}

/// Writes a list of cores as the kernel does: `0-3,8`; `none` for no core.
pub fn list_of(cores: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for core in cores {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *core => *last = *core,
            _ => parts.push((*core, *core)),
        }
    }
    if parts.is_empty() {
        return "none".into();
    }
    let part = |(a, b): &(usize, usize)| if a == b { a.to_string() } else { format!("{a}-{b}") };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_lists_come_back() {
        for cores in [vec![], vec![0], vec![1, 2, 3], vec![0, 31, 32, 40, 95]] {
            assert_eq!(parse_mask(&mask_of(&cores)), Some(cores.clone()));
            if !cores.is_empty() {
                assert_eq!(parse_cores(&list_of(&cores)), Some(cores));
            }
        }
        assert_eq!(parse_mask("3\n"), Some(vec![0, 1]));
        assert_eq!(mask_of(&[32]), "1,00000000");
        for bad in ["", "g", "1,,1", "123456789", "-1"] {
            assert_eq!(parse_mask(bad), None, "{bad}");
        }
    }
}
