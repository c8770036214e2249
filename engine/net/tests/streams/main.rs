//! One set of demands on every kind of byte stream, and what is demanded of one kind only.

mod demands;
mod kernel;
mod rigs;
mod smol;

use nofx_rt::guard::CountingAlloc;

use demands::*;
use rigs::{KernelRig, PairRig, SmolRig};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// All demands, each on a new rig.
macro_rules! suite {
    ($module:ident, $make:expr) => {
        mod $module {
            use super::*;
            suite!(@ $make, talks_both_ways refused_then_accepted sends_whole_or_nothing
                carries_megabytes_both_ways closes_in_order connects_again sees_a_reset
                connects_over_an_open_one gives_a_silent_handshake_up
                holds_whole_messages_for_a_vanished_peer);
        }
    };
    (@ $make:expr, $($demand:ident)*) => {
        $(#[test] fn $demand() { super::$demand(&mut $make); })*
    };
}

suite!(pairs, PairRig::new());
suite!(kernel_tcp, KernelRig::new());
suite!(smol_tcp, SmolRig::new());
