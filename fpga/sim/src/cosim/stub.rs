use nofx_fpga::{OpLine, Sticky, VerdictLine};
pub struct CardModel;
impl CardModel {
    pub fn new() -> Self {
        CardModel
    }
    pub fn reset(&mut self) {}
    pub fn line(&mut self, _: &OpLine) -> VerdictLine {
        VerdictLine::ZERO
    }
    pub fn commit(&mut self, _: &OpLine) -> u32 {
        0
    }
    pub fn scrub(&mut self, _: u32, _: u32) {}
    pub fn latch(&mut self, _: u16) {}
    pub fn clear(&mut self, _: u16) {}
    pub fn kill(&mut self) {}
    pub fn sticky(&self) -> Sticky {
        Sticky(0)
    }
}
