//! The Onload extensions against a shared object that exports their names and records the calls,
//! built here by the system's C compiler. Without it everything is a no-op.

use std::ffi::{CString, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::process::Command;

use nofx_net::onload::{Onload, TemplateError};

/// A stand-in: templates live in a table, a fired one is copied to `fake_sent`.
const FAKE: &str = r#"
#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
struct update { void* base; size_t len; off_t offset; unsigned flags; };
struct slot { int used, fd; size_t len; unsigned char bytes[256]; };
static struct slot slots[2];
int fake_present = 1, fake_live, fake_refuse, fake_flags, fake_spin = -1;
int fake_sent_len; unsigned char fake_sent[256]; char fake_stack[64];
int onload_is_present(void) { return fake_present; }
int onload_set_stackname(int who, int scope, const char* name) {
  if (who != 0 || scope != 2) return -1;
  strncpy(fake_stack, name, 63); return 0;
}
int onload_fd_check_feature(int fd, int feature) { return feature == 0 && fd == 7; }
int onload_thread_set_spin(int type, int spin) { if (type) return -1; fake_spin = spin; return 0; }
int onload_msg_template_alloc(int fd, const struct iovec* v, int n, void** h, unsigned flags) {
  if (fd != 7) return -ESOCKTNOSUPPORT;
  if (flags || n != 1 || v->iov_len > 256) return -EINVAL;
  for (int i = 0; i < 2; i++) if (!slots[i].used) {
    slots[i].used = 1; slots[i].fd = fd; slots[i].len = v->iov_len;
    memcpy(slots[i].bytes, v->iov_base, v->iov_len); *h = &slots[i]; fake_live++; return 0;
  }
  return -EBUSY;
}
int onload_msg_template_update(int fd, void* h, const struct update* u, int n, unsigned flags) {
  struct slot* s = h; fake_flags = flags;
  if (!s->used || s->fd != fd) return -EINVAL;
  for (int i = 0; i < n; i++) {
    if (u[i].flags || u[i].offset + u[i].len > s->len) return -EINVAL;
    memcpy(s->bytes + u[i].offset, u[i].base, u[i].len);
  }
  if (fake_refuse) return -fake_refuse;
  if (flags & 1) { memcpy(fake_sent, s->bytes, s->len); fake_sent_len = s->len; s->used = 0; fake_live--; }
  return 0;
}
int onload_msg_template_abort(int fd, void* h) {
  struct slot* s = h; if (!s->used || s->fd != fd) return -EINVAL; s->used = 0; fake_live--; return 0;
}
"#;

/// Builds and loads the stand-in with its names visible to everybody; `None` without a compiler.
fn load() -> Option<*mut c_void> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, object) = (folder.path().join("fake.c"), folder.path().join("libfake.so"));
    fs::write(&source, FAKE).expect("written");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&object).arg(&source);
    match compiler.status() {
        Ok(status) if status.success() => Some(open(&object)),
        other => {
            println!("SKIPPED onload: no C compiler for the stand-in: {other:?}");
            None
        }
    }
}

fn open(object: &Path) -> *mut c_void {
    let path = CString::new(object.to_str().expect("UTF-8")).expect("no zero");
    // SAFETY: the object has no constructors; it stays loaded.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!library.is_null());
    library
}

/// A variable of the stand-in.
fn variable<T>(library: *mut c_void, name: &str) -> *mut T {
    let name = CString::new(name).expect("no zero");
    // SAFETY: the handle is open and the name terminated.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!found.is_null(), "{name:?}");
    found.cast()
}

// One test, because what is loaded is loaded for the whole process.
#[test]
fn templates_are_prebuilt_patched_fired_and_made_again() {
    assert!(Onload::find().is_none(), "without Onload there is nothing");
    let Some(library) = load() else { return };
    let int = |name: &str| variable::<c_int>(library, name);
    // SAFETY: the variables that are read and written below are the stand-in's own, of these
    // types, and only this thread uses them.
    unsafe {
        *int("fake_present") = 0;
        assert!(Onload::find().is_none(), "loaded, but not running this process");
        *int("fake_present") = 1;
        let onload = Onload::find().expect("now it is there");

        assert!(onload.set_stack(c"trade") && onload.set_spin(true));
        let stack = std::ffi::CStr::from_ptr(variable::<c_char>(library, "fake_stack"));
        assert_eq!((stack, *int("fake_spin")), (c"trade", 1));
        assert!(onload.can_warm(7) && !onload.can_warm(8));
        assert!(onload.template(8, b"a kernel socket").is_none());

        let mut order = onload.template(7, b"ENTER price=0000 qty=000").expect("room");
        order.update_and_send(&[(12, b"1234"), (21, b"500")]).expect("sent");
        let sent = variable::<[u8; 256]>(library, "fake_sent");
        assert_eq!(&(&(*sent))[..*int("fake_sent_len") as usize], b"ENTER price=1234 qty=500");
        assert_eq!(*int("fake_flags"), 0x41, "now, without waiting");
        assert_eq!(order.update_and_send(&[]), Err(TemplateError::NotArmed));

        assert!(order.rearm() && order.armed());
        assert_eq!(order.update_and_send(&[(22, b"500")]), Err(TemplateError::BadUpdate));
        assert_eq!(order.update_and_send(&[(usize::MAX, b"5")]), Err(TemplateError::BadUpdate));
        assert_eq!(order.update_and_send(&[(0, &b"E"[..]); 9]), Err(TemplateError::BadUpdate));
        *int("fake_refuse") = libc::EAGAIN;
        assert_eq!(order.update_and_send(&[]), Err(TemplateError::Refused(libc::EAGAIN)));
        *int("fake_refuse") = 0;
        order.update_and_send(&[]).expect("still armed, and the old patches are gone");
        assert_eq!(&(&(*sent))[12..16], b"0000");

        let second = (onload.template(7, b"x").expect("room"), onload.template(7, b"y"));
        assert!(!order.rearm(), "no room on the card now");
        assert_eq!(*int("fake_live"), 2);
        drop(second);
        assert_eq!(*int("fake_live"), 0, "what was not fired is aborted");
        assert!(order.rearm());
    }
}
