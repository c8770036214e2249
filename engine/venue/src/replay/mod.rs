//! stub
mod taken;
mod traded;
pub enum MarketKind {
    Orders,
    Levels,
}
pub struct ReplayVenue;
