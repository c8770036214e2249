//! Links between tiles: a ring with a rule for when it is full, and counts.
//!
//! Market data overruns: what does not fit is lost and counted, and the feed behind recovers as
//! from any loss. Orders use credit: their producer asks for it before it does the work, and what
//! cannot be sent comes back.
//!
//! The high-water mark looks at the other end once in a sixteenth of the depth, so that it costs
//! next to nothing: it may be short of the true mark by a sixteenth of the depth, never above it.

use crate::ring::{Full, Pop, Push};
use crate::sync::{Apart, Arc, AtomicU64, Ordering};

/// What a link did, as its sender knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Items sent.
    pub sent: u64,
    /// Items that found no room: lost by an overrun link, given back by a credit link.
    pub refused: u64,
    /// Most items that were on the way at one time.
    pub high_water: u64,
}

/// A sender whose full link loses the newest item.
pub struct OverrunSender<P> {
    sender: Sender<P>,
    lost: Arc<Apart<AtomicU64>>,
}

/// A sender that has to have credit.
pub struct CreditSender<P> {
    sender: Sender<P>,
}

/// The receiving end of a link.
pub struct Receiver<C> {
    ring: C,
    received: u64,
    lost: Arc<Apart<AtomicU64>>,
}

/// Makes a ring an overrun link.
pub fn overrun<P, C>((producer, consumer): (P, C)) -> (OverrunSender<P>, Receiver<C>) {
    let lost = Arc::new(Apart(AtomicU64::new(0)));
    let receiver = Receiver { ring: consumer, received: 0, lost: Arc::clone(&lost) };
    (OverrunSender { sender: Sender::new(producer), lost }, receiver)
}

/// Makes a ring a credit link.
pub fn credit<P, C>((producer, consumer): (P, C)) -> (CreditSender<P>, Receiver<C>) {
    let lost = Arc::new(Apart(AtomicU64::new(0)));
    let receiver = Receiver { ring: consumer, received: 0, lost };
    (CreditSender { sender: Sender::new(producer) }, receiver)
}

impl<P> OverrunSender<P> {
    /// Sends `item`, or counts it as lost; it then comes back, so that what it names can be freed.
    #[inline]
    pub fn send<T>(&mut self, item: T) -> Option<T>
    where
        P: Push<T>,
    {
        let Err(Full(item)) = self.sender.send(item) else { return None };
        self.lost.0.store(self.sender.stats.refused, Ordering::Release);
        Some(item)
    }

    /// What it did.
    pub fn stats(&self) -> LinkStats {
        self.sender.stats
    }
}

impl<P> CreditSender<P> {
    /// Items that can be sent now, at least.
    #[inline]
    pub fn credit<T>(&mut self) -> usize
    where
        P: Push<T>,
    {
        self.sender.ring.room()
    }

    /// Sends `item`.
    ///
    /// # Errors
    /// No credit: the item comes back, and is the sender's to keep.
    #[inline]
    pub fn send<T>(&mut self, item: T) -> Result<(), Full<T>>
    where
        P: Push<T>,
    {
        self.sender.send(item)
    }

    /// What it did.
    pub fn stats(&self) -> LinkStats {
        self.sender.stats
    }
}

impl<C> Receiver<C> {
    /// Takes the oldest item.
    #[inline]
    pub fn receive<T>(&mut self) -> Option<T>
    where
        C: Pop<T>,
    {
        let item = self.ring.try_pop()?;
        self.received += 1;
        Some(item)
    }

    /// Items taken.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Items that an overrun link lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.0.load(Ordering::Acquire)
    }

    /// Items on the way, at least.
    pub fn waiting<T>(&self) -> usize
    where
        C: Pop<T>,
    {
        self.ring.len()
    }
}

struct Sender<P> {
    ring: P,
    stats: LinkStats,
    /// Value of `sent` at which the mark is looked at again.
    look_at: u64,
}

impl<P> Sender<P> {
    fn new(ring: P) -> Sender<P> {
        Sender { ring, stats: LinkStats::default(), look_at: 1 }
    }

    #[inline]
    fn send<T>(&mut self, item: T) -> Result<(), Full<T>>
    where
        P: Push<T>,
    {
        if let Err(full) = self.ring.try_push(item) {
            self.stats.refused += 1;
            self.stats.high_water = self.ring.capacity() as u64;
            return Err(full);
        }
        self.stats.sent += 1;
        if self.stats.sent == self.look_at {
            self.look();
        }
        Ok(())
    }

    #[cold]
    fn look<T>(&mut self)
    where
        P: Push<T>,
    {
        let waiting = self.ring.len() as u64;
        self.stats.high_water = self.stats.high_water.max(waiting);
        self.look_at = self.stats.sent + (self.ring.capacity() as u64 / 16).max(1);
    }
}
