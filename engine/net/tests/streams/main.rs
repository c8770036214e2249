//! One set of demands on every kind of byte stream, and what is demanded of one kind only.

/// All demands, each on a new rig.
macro_rules! suite {
    ($module:ident, $make:expr) => {
        mod $module {
            $crate::suite!(@ $make, talks_both_ways refused_then_accepted sends_whole_or_nothing
                carries_megabytes_both_ways closes_in_order connects_again sees_a_reset
                connects_over_an_open_one gives_a_silent_handshake_up
                holds_whole_messages_for_a_vanished_peer);
        }
    };
    (@ $make:expr, $($demand:ident)*) => {
        $(#[test] fn $demand() { $crate::demands::$demand(&mut $make); })*
    };
}
use suite;

mod demands;
mod kernel;
mod pairs_only;
mod rigs;
mod smol;

use nofx_rt::guard::CountingAlloc;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

suite!(pairs, crate::rigs::PairRig::new());
suite!(pairs_in_pieces, crate::rigs::PairRig::in_pieces(999));
suite!(kernel_tcp, crate::rigs::KernelRig::new());
suite!(smol_tcp, crate::rigs::SmolRig::new());
suite!(smol_tcp_over_few_frames, crate::rigs::SmolRig::over_frames(4));

/// A stream is made on one thread and used on another.
#[test]
fn streams_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<nofx_net::stream::KernelTcp>();
    moves::<nofx_net::stream::PairEnd>();
    moves::<nofx_net::stream::SmolTcp<nofx_net::xsk::XskPort>>();
    moves::<Box<dyn nofx_net::stream::Stream + Send>>();
}
