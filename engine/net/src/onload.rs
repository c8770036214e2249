//! What Onload adds to a socket, looked up at run time: without it everything here is a no-op.
//!
//! Model: Onload (a user-space TCP and UDP stack for Solarflare cards) takes a program over by
//! preloading itself, and exports a few functions beside the sockets. They are found by name in
//! what is loaded, so nothing links against it. The one that matters to us is the template: the
//! bulk of a message lies on the card already, the order path patches a few bytes and fires
//! (`extensions_zc.h`, "Send templates"). A fired template belongs to Onload; [`Template::rearm`]
//! makes the next, off the hot path.
//!
//! Worst case: as for any other send; a template that cannot be had (its memory on the card is
//! scarce and comes back late) leaves the ordinary send, which always works.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::mem::transmute_copy;
use std::os::fd::RawFd;
use std::ptr;

/// Patches of one send, at most.
pub const UPDATES_MAX: usize = 8;

const SEND_NOW: c_uint = 0x1;
const DONTWAIT: c_uint = libc::MSG_DONTWAIT as c_uint;
const THIS_THREAD: c_int = 0;
const SCOPE_PROCESS: c_int = 2;
const SPIN_ALL: c_int = 0;
const FEATURE_MSG_WARM: c_int = 0;

/// `struct onload_template_msg_update_iovec`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Update {
    base: *const c_void,
    len: usize,
    offset: libc::off_t,
    flags: c_uint,
}

type Handle = *mut c_void;
type IsPresent = unsafe extern "C" fn() -> c_int;
type SetStackname = unsafe extern "C" fn(c_int, c_int, *const c_char) -> c_int;
type CheckFeature = unsafe extern "C" fn(c_int, c_int) -> c_int;
type SetSpin = unsafe extern "C" fn(c_int, c_int) -> c_int;
type Alloc = unsafe extern "C" fn(c_int, *const libc::iovec, c_int, *mut Handle, c_uint) -> c_int;
type UpdateFn = unsafe extern "C" fn(c_int, Handle, *const Update, c_int, c_uint) -> c_int;
type Abort = unsafe extern "C" fn(c_int, Handle) -> c_int;

/// The functions of an Onload that runs this process.
#[derive(Clone, Copy)]
pub struct Onload {
    set_stackname: Option<SetStackname>,
    check_feature: Option<CheckFeature>,
    set_spin: Option<SetSpin>,
    templates: Option<Templates>,
}

/// The three functions of templates: all or none.
#[derive(Clone, Copy)]
struct Templates {
    alloc: Alloc,
    update: UpdateFn,
    abort: Abort,
}

/// Why a template did not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It was fired before and not made again: send by the socket.
    NotArmed,
    /// A patch lies outside the message, or there are more than [`UPDATES_MAX`].
    BadUpdate,
    /// Onload refused, with the errno. The template is still armed.
    Refused(i32),
}

impl Onload {
    /// Looks for it; `None` where this process does not run under Onload.
    pub fn find() -> Option<Onload> {
        // SAFETY: the types are those of `onload/extensions.h`.
        let is_present = unsafe { symbol::<IsPresent>(c"onload_is_present") }?;
        // SAFETY: it takes nothing.
        if unsafe { is_present() } == 0 {
            return None;
        }
        // SAFETY: the types are those of `onload/extensions.h` and
        // `extensions_zc.h`.
        unsafe {
            Some(Onload {
                set_stackname: symbol(c"onload_set_stackname"),
                check_feature: symbol(c"onload_fd_check_feature"),
                set_spin: symbol(c"onload_thread_set_spin"),
                templates: Templates::find(),
            })
        }
    }

    /// Puts the sockets that this thread opens from now on into the stack `name` of this process.
    /// False when Onload refuses.
    pub fn set_stack(&self, name: &CStr) -> bool {
        // SAFETY: `name` is terminated and only read during the call.
        self.set_stackname
            .is_some_and(|set| unsafe { set(THIS_THREAD, SCOPE_PROCESS, name.as_ptr()) } == 0)
    }

    /// Whether the calling thread spins inside blocking calls. False when Onload refuses.
    pub fn set_spin(&self, spin: bool) -> bool {
        // SAFETY: plain integers.
        self.set_spin.is_some_and(|set| unsafe { set(SPIN_ALL, c_int::from(spin)) } == 0)
    }

    /// Whether `ONLOAD_MSG_WARM` may be used on the socket: on a kernel socket it would send.
    pub fn can_warm(&self, fd: RawFd) -> bool {
        // SAFETY: plain integers; Onload checks the descriptor.
        self.check_feature.is_some_and(|check| unsafe { check(fd, FEATURE_MSG_WARM) } > 0)
    }

    /// Prebuilds `bytes` on the connected socket `fd`; `None` where the socket or this Onload
    /// cannot, or has no room now.
    pub fn template(&self, fd: RawFd, bytes: &[u8]) -> Option<Template> {
        let calls = self.templates?;
        let mut template = Template { calls, fd, bytes: bytes.into(), handle: None };
        template.rearm().then_some(template)
    }
}

impl fmt::Debug for Onload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onload").field("templates", &self.templates.is_some()).finish()
    }
}

impl Templates {
    /// # Safety
    /// Symbols of these names have the types of `onload/extensions_zc.h`.
    unsafe fn find() -> Option<Templates> {
        // SAFETY: by this function's contract.
        unsafe {
            Some(Templates {
                alloc: symbol(c"onload_msg_template_alloc")?,
                update: symbol(c"onload_msg_template_update")?,
                abort: symbol(c"onload_msg_template_abort")?,
            })
        }
    }
}

/// A message that lies ready on the card. One thread uses it, with its socket, which must outlive
/// it.
pub struct Template {
    calls: Templates,
    fd: RawFd,
    bytes: Box<[u8]>,
    handle: Option<Handle>,
}

// SAFETY: the handle belongs to the socket's stack, which Onload locks by itself, not to the thread
// that asked for it; nothing is shared with another thread, since every call takes `&mut`.
unsafe impl Send for Template {}

impl Template {
    /// Patches (offset, bytes) into the message and sends it, without waiting. The patches of a
    /// send that was refused stay: give all of them every time.
    ///
    /// # Errors
    /// Nothing was sent.
    #[inline]
    pub fn update_and_send(&mut self, updates: &[(usize, &[u8])]) -> Result<(), TemplateError> {
        let handle = self.handle.ok_or(TemplateError::NotArmed)?;
        let mut list = [Update { base: ptr::null(), len: 0, offset: 0, flags: 0 }; UPDATES_MAX];
        if updates.len() > UPDATES_MAX {
            return Err(TemplateError::BadUpdate);
        }
        for (place, &(offset, bytes)) in list.iter_mut().zip(updates) {
            let end = offset.checked_add(bytes.len()).ok_or(TemplateError::BadUpdate)?;
            if end > self.bytes.len() {
                return Err(TemplateError::BadUpdate);
            }
            *place = Update {
                base: bytes.as_ptr().cast(),
                len: bytes.len(),
                offset: offset as libc::off_t,
                flags: 0,
            };
        }
        // SAFETY: `handle` was given for `fd` and not fired or aborted since; the updates point at
        // bytes that live through the call and lie inside the message.
        let done = unsafe {
            (self.calls.update)(
                self.fd,
                handle,
                list.as_ptr(),
                updates.len() as c_int,
                SEND_NOW | DONTWAIT,
            )
        };
        if done < 0 {
            return Err(TemplateError::Refused(-done));
        }
        self.handle = None; // it is Onload's now
        Ok(())
    }

    /// Whether it can be fired.
    #[inline]
    pub fn armed(&self) -> bool {
        self.handle.is_some()
    }

    /// Prebuilds the message anew after it was fired; true when it is armed. Off the hot path.
    pub fn rearm(&mut self) -> bool {
        if self.armed() {
            return true;
        }
        let message =
            libc::iovec { iov_base: self.bytes.as_mut_ptr().cast(), iov_len: self.bytes.len() };
        let mut handle = ptr::null_mut();
        // SAFETY: one iovec over bytes of ours, which Onload copies; `handle` is writable.
        let done = unsafe { (self.calls.alloc)(self.fd, &message, 1, &mut handle, 0) };
        self.handle = (done == 0 && !handle.is_null()).then_some(handle);
        self.armed()
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        if let Some(handle) = self.handle {
            // SAFETY: given for `fd`, neither fired nor aborted.
            unsafe { (self.calls.abort)(self.fd, handle) };
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, armed) = (self.bytes.len(), self.armed());
        f.debug_struct("Template").field("bytes", &bytes).field("armed", &armed).finish()
    }
}

/// The function of that name among what is loaded.
///
/// # Safety
/// `F` is a function pointer of the type that the symbol has.
unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: `name` is terminated; looking up changes nothing.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: of type `F` by this function's contract, not null, and the sizes are equal.
    (!found.is_null()).then(|| unsafe { transmute_copy::<*mut c_void, F>(&found) })
}
