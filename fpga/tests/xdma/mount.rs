//! The driver as a mounted file system: the backend's own system calls, with the kernel in between.
//!
//! A file system sees no address of a buffer, and of an ioctl's argument only the bytes that its
//! number encodes, so alignment and the performance ioctls are tested in memory only.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, InitFlags, IoctlFlags, KernelConfig, LockOwner, Notifier, OpenFlags,
    PollEvents, PollFlags, PollHandle, PollNotifier, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyIoctl, ReplyOpen, ReplyPoll, ReplyWrite, Request, WriteFlags,
};
use nofx_fpga_abi as abi;

use crate::driver::{Driver, NODES, Node};
use crate::memory;

/// A mounted driver; unmounts when dropped.
pub struct Mounted {
    session: Option<BackgroundSession>,
    sleepers: Arc<Sleepers>,
    pub folder: tempfile::TempDir,
}

/// Who waits for the user interrupt.
#[derive(Default)]
struct Sleepers {
    reads: Mutex<Vec<ReplyData>>,
    polls: Mutex<BTreeMap<u64, PollHandle>>,
}

impl Sleepers {
    /// Gives what a read gave, or lets it sleep; an interrupt comes before both or after both.
    fn answer(&self, reply: ReplyData, read: impl FnOnce() -> Option<Result<Vec<u8>, i32>>) {
        let mut reads = self.reads.lock().expect("reads");
        match read() {
            Some(Ok(bytes)) => reply.data(&bytes),
            Some(Err(errno)) => reply.error(Errno::from_i32(errno)),
            None => reads.push(reply),
        }
    }
}

impl Mounted {
    pub fn new(driver: Arc<Driver>) -> io::Result<Mounted> {
        let folder = tempfile::tempdir()?;
        let sleepers = Arc::new(Sleepers::default());
        let nodes = Nodes { driver, sleepers: sleepers.clone() };
        let session = fuser::spawn_mount(nodes, folder.path(), &Config::default())?;
        Ok(Mounted { session: Some(session), sleepers, folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the driver does after an interrupt: wakes those who sleep in `read` and in `poll`.
    pub fn wake(&self, driver: &Driver) {
        let reads = std::mem::take(&mut *self.sleepers.reads.lock().expect("reads"));
        for reply in reads {
            self.sleepers.answer(reply, || driver.read(Node::Events, 0, 4));
        }
        let notifier: Notifier = self.session.as_ref().expect("mounted").notifier();
        for (_, handle) in std::mem::take(&mut *self.sleepers.polls.lock().expect("polls")) {
            notifier.poll(handle).expect("the kernel takes a wake-up");
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.umount_and_join().expect("unmounts");
        }
    }
}

struct Nodes {
    driver: Arc<Driver>,
    sleepers: Arc<Sleepers>,
}

/// Inode of a node; 1 is the root.
fn inode(place: usize) -> INodeNo {
    INodeNo(place as u64 + 2)
}

fn node(inode: INodeNo) -> Option<Node> {
    NODES.get((inode.0 as usize).checked_sub(2)?).map(|(node, _)| *node)
}

fn attributes(ino: INodeNo) -> FileAttr {
    let root = ino == INodeNo::ROOT;
    FileAttr {
        ino,
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: if root { FileType::Directory } else { FileType::RegularFile },
        perm: if root { 0o555 } else { 0o600 },
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Filesystem for Nodes {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // O_TRUNC arrives with the open, as at a device, and not as a change of size.
        let added = config.add_capabilities(InitFlags::FUSE_ATOMIC_O_TRUNC);
        added.map_err(|_| io::Error::other("the kernel has no atomic O_TRUNC"))
    }

    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match NODES.iter().position(|(_, node)| name == *node) {
            Some(place) => {
                reply.entry(&Duration::ZERO, &attributes(inode(place)), Generation(0));
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&Duration::ZERO, &attributes(ino));
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let Some(node) = node(ino) else { return reply.error(Errno::EISDIR) };
        match self.driver.open(node, flags.0 & libc::O_TRUNC != 0) {
            Ok(()) => reply.opened(FileHandle(ino.0), FopenFlags::FOPEN_DIRECT_IO),
            Err(errno) => reply.error(Errno::from_i32(errno)),
        }
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        if let Some(node) = node(ino) {
            self.driver.close(node);
        }
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        at: u64,
        count: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let Some(node) = node(ino) else { return reply.error(Errno::EISDIR) };
        self.sleepers.answer(reply, || self.driver.read(node, at, count as usize));
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        at: u64,
        from: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let Some(node) = node(ino) else { return reply.error(Errno::EISDIR) };
        match self.driver.write(node, at, from) {
            Ok(count) => reply.written(count as u32),
            Err(errno) => reply.error(Errno::from_i32(errno)),
        }
    }

    fn ioctl(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        number: u32,
        argument: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        let engine = matches!(node(ino), Some(Node::ToCard | Node::FromCard));
        let user = node(ino) == Some(Node::User);
        match number {
            abi::XDMA_INFO if user => match info(argument) {
                Ok(bytes) => reply.ioctl(0, &bytes),
                Err(errno) => reply.error(Errno::from_i32(errno)),
            },
            abi::XDMA_ALIGN_GET if engine => {
                reply.ioctl(0, &self.driver.alignment().to_le_bytes());
            }
            abi::XDMA_ADDRMODE_GET if engine => {
                let mode = node(ino).map_or(0, |node| self.driver.address_mode(node));
                reply.ioctl(0, &mode.to_le_bytes());
            }
            _ => reply.error(Errno::ENOTTY),
        }
    }

    fn poll(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        notifier: PollNotifier,
        _: PollEvents,
        flags: PollFlags,
        reply: ReplyPoll,
    ) {
        let handle = notifier.handle();
        if flags.contains(PollFlags::FUSE_POLL_SCHEDULE_NOTIFY) {
            self.sleepers.polls.lock().expect("polls").insert(handle.0, handle);
        }
        let ready = node(ino) == Some(Node::Events) && self.driver.has_event();
        reply.poll(if ready { PollEvents::POLLIN } else { PollEvents::empty() });
    }
}

/// INFO over bytes: only magic goes in, the answer's fields are laid down by the offsets of the ABI.
fn info(argument: &[u8]) -> Result<Vec<u8>, i32> {
    use std::mem::offset_of;
    let magic = argument.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let told = memory::told(&abi::xdma_info { magic, ..Default::default() })?;
    let mut bytes = vec![0; size_of::<abi::xdma_info>()];
    let mut put = |at: usize, from: &[u8]| bytes[at..at + from.len()].copy_from_slice(from);
    put(offset_of!(abi::xdma_info, vendor), &told.vendor.to_le_bytes());
    put(offset_of!(abi::xdma_info, device), &told.device.to_le_bytes());
    put(offset_of!(abi::xdma_info, driver_version), &told.driver_version.to_le_bytes());
    put(offset_of!(abi::xdma_info, bus), &[told.bus]);
    Ok(bytes)
}
