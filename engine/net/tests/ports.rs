//! Every port against the same vectors.

mod conformance;

use conformance::rigs;
use nofx_net::loopback;

#[test]
fn loopback() {
    conformance::suite(|| {
        let (near, far) = loopback::pair(512, 1_514);
        Some(rigs::in_memory(near, far))
    });
}
