//! Kernel TCP under Onload: prebuilt messages leave by templates, everything else by the socket, and
//! the peer cannot tell. Onload is a stand-in that sends a fired template on the socket itself.

use std::ffi::{CString, c_int};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;

use nofx_net::stream::{KernelListener, KernelTcp, Stream, StreamState, TcpConfig};
use nofx_types::Nanos;

const FAKE: &str = r#"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
struct update { void* base; size_t len; off_t offset; unsigned flags; };
struct slot { int used, fd; size_t len; unsigned char bytes[256]; };
static struct slot slots[4];
int fake_fired, fake_live, fake_refuse;
int onload_is_present(void) { return 1; }
int onload_msg_template_alloc(int fd, const struct iovec* v, int n, void** h, unsigned flags) {
  for (int i = 0; i < 4; i++) if (!slots[i].used) {
    slots[i] = (struct slot){ 1, fd, v->iov_len, {0} };
    memcpy(slots[i].bytes, v->iov_base, v->iov_len); *h = &slots[i]; fake_live++; return 0;
  }
  return -EBUSY;
}
int onload_msg_template_update(int fd, void* h, const struct update* u, int n, unsigned flags) {
  struct slot* s = h;
  for (int i = 0; i < n; i++) memcpy(s->bytes + u[i].offset, u[i].base, u[i].len);
  if (fake_refuse) return -fake_refuse;
  if (send(fd, s->bytes, s->len, MSG_NOSIGNAL) != (ssize_t)s->len) return -EIO;
  s->used = 0; fake_live--; fake_fired++; return 0;
}
int onload_msg_template_abort(int fd, void* h) {
  struct slot* s = h; s->used = 0; fake_live--; return 0;
}
"#;

/// The counters of the stand-in: fired, live, refuse; `None` without a compiler.
fn load() -> Option<[*mut c_int; 3]> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, object) = (folder.path().join("fake.c"), folder.path().join("libfake.so"));
    fs::write(&source, FAKE).expect("written");
    let mut compiler = Command::new("cc");
    let built = compiler.args(["-shared", "-fPIC", "-o"]).arg(&object).arg(&source).status();
    if !built.as_ref().is_ok_and(|status| status.success()) {
        println!("SKIPPED streams under onload: no C compiler for the stand-in: {built:?}");
        return None;
    }
    let path = CString::new(object.to_str().expect("UTF-8")).expect("no zero");
    // SAFETY: the object has no constructors; it stays loaded.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    assert!(!library.is_null());
    Some([c"fake_fired", c"fake_live", c"fake_refuse"].map(|name| {
        // SAFETY: the library is open and the name terminated.
        unsafe { libc::dlsym(library, name.as_ptr()) }.cast()
    }))
}

#[test]
fn prebuilt_messages_leave_by_templates() {
    let Some([fired, live, refuse]) = load() else { return };
    // SAFETY: integers of the stand-in, which only this thread uses.
    let read = |value: *mut c_int| unsafe { *value };
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let mut listener = KernelListener::bind(any).expect("a free port");
    let mut client = KernelTcp::new(TcpConfig::to(listener.local()));
    client.prebuild(b"ENTER 0000");
    client.prebuild(b"CANCEL 00");
    let (mut server, mut want, mut now) = (None, Vec::new(), Nanos(1));
    client.connect(now);
    while client.poll(now) != StreamState::Open || server.is_none() {
        server = server.or_else(|| listener.accept());
    }
    let mut server = server.expect("accepted");
    let mut say = |client: &mut KernelTcp, text: &[u8]| {
        now = now.plus(1);
        client.poll(now);
        client.send(text).expect("room");
        want.extend(text);
        while server.received() != want {
            server.poll(now);
        }
    };
    say(&mut client, b"ENTER 1234");
    assert_eq!((read(fired), read(live)), (1, 1), "by its template, and the other lies ready");
    say(&mut client, b"ENTER 5678");
    assert_eq!((read(fired), read(live)), (2, 1), "made again by the poll");
    say(&mut client, b"another length");
    assert_eq!(read(fired), 2, "by the socket");
    say(&mut client, b"CANCEL 17");
    assert_eq!(read(fired), 3);
    // SAFETY: as above.
    unsafe { *refuse = libc::EAGAIN };
    say(&mut client, b"ENTER 9999");
    assert_eq!(read(fired), 3, "refused by the card, sent by the socket");
    assert!(client.describe().contains("2 templates, 3 fired"), "{}", client.describe());
    let now = Nanos(100);
    client.connect(now);
    assert_eq!(read(live), 0, "templates end before their socket");
}
