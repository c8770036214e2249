//! The decompressed bytes of one file, as a window that moves forward.
//!
//! Model: [`ByteSource::ensure`] makes bytes visible, [`ByteSource::consume`] steps over them. A
//! plain file is mapped, so `ensure` is a comparison and the window is all that is left; a file of
//! many gigabytes costs address space, not memory. Anything else (gzip, zstd, a pipe) is read
//! through a buffer of [`WINDOW`] bytes: when too few bytes are left, they move to its front and
//! the rest is filled. Compression is told by the first bytes, never by the name.
//!
//! Worst case: one `ensure` in about [`WINDOW`] bytes decompresses up to a window; the bytes moved
//! are fewer than the record that did not fit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use memmap2::{Advice, Mmap};

use crate::{Compression, Error, Result, Warning, WarningKind};

/// Bytes of the buffer through which a compressed file or a pipe is read, and so the most that
/// [`ByteSource::ensure`] may be asked for.
pub const WINDOW: usize = 512 << 10;

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08]; // RFC 1952 2.3.1: ID1, ID2, CM = deflate
const ZSTD: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes(); // RFC 8878 3.1.1
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18]; // RFC 8878 3.1.2, behind a byte 0x50..=0x5f

/// A window over the decompressed content of one file.
pub struct ByteSource {
    file: PathBuf,
    store: Store,
    /// The window is `start..end` of the store.
    start: usize,
    end: usize,
    /// Offset of the store's first byte in the decompressed stream.
    base: u64,
    cut: Option<WarningKind>,
}

enum Store {
    Map(Mmap),
    Memory(Box<[u8]>),
    Stream { buffer: Box<[u8]>, stream: Box<Stream> },
}

/// A place in the window; stays good until the window is refilled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl ByteSource {
    /// Opens `path` and recognises its compression by content.
    ///
    /// A plain file is mapped: if another process shortens it during the walk, the system ends
    /// this process (SIGBUS), so let captures be finished before they are read. A pipe or device
    /// is streamed.
    ///
    /// # Errors
    /// The file is missing, unreadable or empty, or its first compressed bytes are damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<ByteSource> {
        let path = path.as_ref();
        let unreadable = |source| Error::io(path, "read", "check the file and its disk", source);
        let mut file = File::open(path)
            .map_err(|e| Error::io(path, "open", "check the path and its permissions", e))?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut head = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut head).map_err(unreadable)?;
        if head.is_empty() {
            return Err(Box::new(Error::Empty { file: path.to_owned() }));
        }
        let compression = recognise(&head);
        if compression == Compression::None
            && metadata.is_file()
            && let Ok(map) = map(&file)
        {
            let end = map.len();
            return Ok(ByteSource::whole(path, Store::Map(map), end));
        }
        let reader = Box::new(Cursor::new(head).chain(file));
        ByteSource::streamed(path, compression, reader, metadata.len())
    }

    /// The content of a file that is in memory already, recognised as [`ByteSource::open`] does;
    /// `name` is what warnings and errors call it.
    ///
    /// # Errors
    /// There is not one byte, or the first compressed bytes are damaged.
    pub fn from_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<ByteSource> {
        let (name, size) = (name.as_ref(), bytes.len());
        if bytes.is_empty() {
            return Err(Box::new(Error::Empty { file: name.to_owned() }));
        }
        match recognise(&bytes) {
            Compression::None => {
                Ok(ByteSource::whole(name, Store::Memory(bytes.into_boxed_slice()), size))
            }
            compression => {
                ByteSource::streamed(name, compression, Box::new(Cursor::new(bytes)), size as u64)
            }
        }
    }

    fn whole(path: &Path, store: Store, end: usize) -> ByteSource {
        ByteSource { file: path.to_owned(), store, start: 0, end, base: 0, cut: None }
    }

    fn streamed(
        path: &Path,
        compression: Compression,
        reader: Reader,
        size: u64,
    ) -> Result<ByteSource> {
        let stream = Stream::new(compression, reader, size)
            .map_err(|e| Error::io(path, "read", "check the file and its disk", e))?;
        let buffer = vec![0; WINDOW].into_boxed_slice();
        let store = Store::Stream { buffer, stream: Box::new(stream) };
        let mut source = ByteSource::whole(path, store, 0);
        source.refill(1)?; // the decompressor allocates now, not during the walk
        if source.window().is_empty() && source.cut.is_none() {
            return Err(Box::new(Error::Empty { file: source.file }));
        }
        Ok(source)
    }

    /// Makes at least `n` contiguous bytes visible, or all that are left, and returns the window.
    /// `n` is at most [`WINDOW`].
    ///
    /// # Errors
    /// The file cannot be read or does not decompress.
    #[inline]
    pub fn ensure(&mut self, n: usize) -> Result<&[u8]> {
        if self.end - self.start < n {
            self.refill(n)?;
        }
        Ok(self.window())
    }

    /// Steps over `n` bytes of the window (over all of it, if it is shorter).
    #[inline]
    pub fn consume(&mut self, n: usize) {
        self.start += n.min(self.end - self.start);
    }

    /// Steps over `n` bytes if the window has them.
    #[inline(always)]
    pub(crate) fn step(&mut self, n: usize) -> bool {
        let there = n <= self.end - self.start;
        if there {
            self.start += n;
        }
        there
    }

    /// Steps over `n` bytes, through as many windows as it takes; returns how many there were.
    ///
    /// # Errors
    /// The file cannot be read or does not decompress.
    pub fn skip(&mut self, n: u64) -> Result<u64> {
        let mut left = n;
        while left > 0 {
            let at_hand = self.ensure(1)?.len();
            if at_hand == 0 {
                break;
            }
            let step = usize::try_from(left).map_or(at_hand, |left| left.min(at_hand));
            self.consume(step);
            left -= step as u64;
        }
        Ok(n - left)
    }

    /// Drops all that is left: from here on the source is at its end.
    pub fn close(&mut self) {
        self.start = self.end;
        if let Store::Stream { stream, .. } = &mut self.store {
            stream.ended = true;
        }
    }

    /// The bytes at hand, without reading further.
    #[inline(always)]
    pub fn window(&self) -> &[u8] {
        self.stored().get(self.start..self.end).unwrap_or(&[])
    }

    /// Offset of the window in the decompressed stream.
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// How far the walk is: bytes of the file done, and its size (0 for a pipe).
    pub fn progress(&self) -> (u64, u64) {
        match &self.store {
            Store::Map(map) => (self.start as u64, map.len() as u64),
            Store::Memory(bytes) => (self.start as u64, bytes.len() as u64),
            Store::Stream { stream, .. } => (stream.input().consumed, stream.size),
        }
    }

    /// The path given to [`ByteSource::open`].
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How the file is compressed.
    pub fn compression(&self) -> Compression {
        match &self.store {
            Store::Map(_) | Store::Memory(_) => Compression::None,
            Store::Stream { stream, .. } => stream.compression(),
        }
    }

    /// That the compressed data ended early, once the walk has reached that place.
    pub fn warning(&self) -> Option<Warning> {
        self.cut.map(|kind| Warning { file: self.file.clone(), kind })
    }

    /// The place `ahead` bytes into the window.
    #[inline(always)]
    pub(crate) fn mark(&self, ahead: usize) -> Mark {
        Mark(self.start + ahead)
    }

    /// `len` bytes from `mark`, which may have been consumed since.
    #[inline(always)]
    pub(crate) fn marked(&self, mark: Mark, len: usize) -> &[u8] {
        let bytes = self.stored();
        bytes.get(mark.0..).and_then(|from| from.get(..len)).unwrap_or(&[])
    }

    #[inline(always)]
    fn stored(&self) -> &[u8] {
        match &self.store {
            Store::Map(map) => map,
            Store::Memory(bytes) => bytes,
            Store::Stream { buffer, .. } => buffer,
        }
    }

    #[cold]
    fn refill(&mut self, n: usize) -> Result<()> {
        let Store::Stream { buffer, stream } = &mut self.store else { return Ok(()) };
        buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < n && !stream.ended {
            let Some(room) = buffer.get_mut(self.end..).filter(|room| !room.is_empty()) else {
                return Ok(());
            };
            match stream.read(room) {
                Ok(0) => stream.ended = true,
                Ok(read) => self.end += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    stream.ended = true;
                    let compression = stream.compression();
                    let compressed_offset = stream.input().consumed;
                    let offset = self.base + self.end as u64;
                    if e.kind() == io::ErrorKind::UnexpectedEof {
                        let kind =
                            WarningKind::CutCompression { compression, offset, compressed_offset };
                        self.cut = Some(kind);
                        return Ok(());
                    }
                    let file = self.file.clone();
                    return Err(if compression == Compression::None || is_system(&e) {
                        Error::io(&file, "read", "check the file and its disk", e)
                    } else {
                        let source = e;
                        Box::new(Error::Compressed {
                            file,
                            compression,
                            offset,
                            compressed_offset,
                            source,
                        })
                    });
                }
            }
        }
        Ok(())
    }
}

/// Whether the error comes from the system rather than from a decompressor.
fn is_system(error: &io::Error) -> bool {
    error.raw_os_error().is_some()
}

fn recognise(head: &[u8]) -> Compression {
    let skippable = |head: &[u8]| match head {
        [0x50..=0x5f, rest @ ..] => rest.starts_with(&ZSTD_SKIPPABLE),
        _ => false,
    };
    if head.starts_with(&GZIP) {
        Compression::Gzip
    } else if head.starts_with(&ZSTD) || skippable(head) {
        Compression::Zstd
    } else {
        Compression::None
    }
}

#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping is private and read-only, and we never write through it. Bytes that
    // another process changes meanwhile are outside bytes like any others: every read is checked
    // against the mapped length, which is fixed here, and no check is relied on twice. Shortening
    // the file ends the process with SIGBUS, as `ByteSource::open` says; it does not corrupt it.
    let map = unsafe { Mmap::map(file)? };
    let _ = map.advise(Advice::Sequential); // only advice: read ahead, forget behind
    Ok(map)
}

/// What is read in pieces.
struct Stream {
    decoder: Decoder,
    /// Bytes of the file, 0 for a pipe.
    size: u64,
    ended: bool,
}

enum Decoder {
    Plain(Input),
    Gzip(Box<MultiGzDecoder<Input>>),
    Zstd(zstd::stream::read::Decoder<'static, Input>),
}

type Reader = Box<dyn Read + Send>;

/// The file from its first byte, counted.
struct Input {
    reader: BufReader<Reader>,
    consumed: u64,
}

impl Stream {
    fn new(compression: Compression, reader: Reader, size: u64) -> io::Result<Stream> {
        let reader = BufReader::with_capacity(64 << 10, reader);
        let input = Input { reader, consumed: 0 };
        let decoder = match compression {
            Compression::None => Decoder::Plain(input),
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(input))),
            Compression::Zstd => Decoder::Zstd(zstd::stream::read::Decoder::with_buffer(input)?),
        };
        Ok(Stream { decoder, size, ended: false })
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.decoder {
            Decoder::Plain(input) => input.read(room),
            Decoder::Gzip(gzip) => gzip.read(room),
            Decoder::Zstd(zstd) => zstd.read(room),
        }
    }

    fn input(&self) -> &Input {
        match &self.decoder {
            Decoder::Plain(input) => input,
            Decoder::Gzip(gzip) => gzip.get_ref(),
            Decoder::Zstd(zstd) => zstd.get_ref(),
        }
    }

    fn compression(&self) -> Compression {
        match &self.decoder {
            Decoder::Plain(_) => Compression::None,
            Decoder::Gzip(_) => Compression::Gzip,
            Decoder::Zstd(_) => Compression::Zstd,
        }
    }
}

impl Read for Input {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        self.consumed += read as u64;
        Ok(read)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.consumed += n as u64;
        self.reader.consume(n);
    }
}
