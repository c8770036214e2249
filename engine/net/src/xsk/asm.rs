//! A small assembler for BPF: one function per instruction, jumps to labels.
//!
//! Encoding: RFC 9669. An instruction is 64 bits: opcode 8, destination 4, source 4, offset 16,
//! immediate 32, from the low end on.

/// A register: `R1` to `R5` are arguments and scratch, `R6` to `R9` survive calls.
#[derive(Clone, Copy)]
pub(super) struct Reg(u8);

pub(super) const R0: Reg = Reg(0);
pub(super) const R1: Reg = Reg(1);
pub(super) const R2: Reg = Reg(2);
pub(super) const R3: Reg = Reg(3);
pub(super) const R4: Reg = Reg(4);
pub(super) const R5: Reg = Reg(5);
pub(super) const R6: Reg = Reg(6);
pub(super) const R7: Reg = Reg(7);
/// Frame pointer: the stack lies below it.
pub(super) const R10: Reg = Reg(10);

/// Width of a load or store, as the opcode has it.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Width {
    Word = 0x00,
    Half = 0x08,
    Byte = 0x10,
    Double = 0x18,
}

/// A helper of the kernel, by its number in `enum bpf_func_id`.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(super) enum Helper {
    MapLookup = 1,
    KtimeGetNs = 5,
    RedirectMap = 51,
    XdpAdjustMeta = 54,
}

/// A place in the program, jumped to before or after it is known.
#[derive(Clone, Copy)]
pub(super) struct Label(usize);

/// Collects instructions; [`Assembler::finish`] resolves the jumps.
#[derive(Default)]
pub(super) struct Assembler {
    code: Vec<u64>,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    fn emit(&mut self, opcode: u8, dst: Reg, src: Reg, offset: i16, immediate: i32) {
        self.code.push(
            u64::from(opcode)
                | u64::from(dst.0) << 8
                | u64::from(src.0) << 12
                | u64::from(offset as u16) << 16
                | u64::from(immediate as u32) << 32,
        );
    }

    /// A label for later.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// `label` is here.
    pub(super) fn place(&mut self, label: Label) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = Some(self.code.len());
        }
    }

    pub(super) fn mov(&mut self, dst: Reg, src: Reg) {
        self.emit(0xBF, dst, src, 0, 0);
    }

    pub(super) fn mov_imm(&mut self, dst: Reg, value: i32) {
        self.emit(0xB7, dst, R0, 0, value);
    }

    pub(super) fn add_imm(&mut self, dst: Reg, value: i32) {
        self.emit(0x07, dst, R0, 0, value);
    }

    /// `dst = *(base + offset)`.
    pub(super) fn load(&mut self, width: Width, dst: Reg, base: Reg, offset: i16) {
        self.emit(0x61 | width as u8, dst, base, offset, 0);
    }

    /// `*(base + offset) = src`.
    pub(super) fn store(&mut self, width: Width, base: Reg, offset: i16, src: Reg) {
        self.emit(0x63 | width as u8, base, src, offset, 0);
    }

    /// `*(base + offset) = value`.
    pub(super) fn store_imm(&mut self, width: Width, base: Reg, offset: i16, value: i32) {
        self.emit(0x62 | width as u8, base, R0, offset, value);
    }

    /// `*(u64 *)base += src`, atomically.
    pub(super) fn atomic_add(&mut self, base: Reg, src: Reg) {
        self.emit(0xDB, base, src, 0, 0);
    }

    /// `dst = map`, by its file descriptor.
    pub(super) fn load_map(&mut self, dst: Reg, fd: i32) {
        const PSEUDO_MAP_FD: Reg = Reg(1);
        self.emit(0x18, dst, PSEUDO_MAP_FD, 0, fd);
        self.emit(0, R0, R0, 0, 0);
    }

    pub(super) fn call(&mut self, helper: Helper) {
        self.emit(0x85, R0, R0, 0, helper as i32);
    }

    pub(super) fn exit(&mut self) {
        self.emit(0x95, R0, R0, 0, 0);
    }

    fn jump_by(&mut self, opcode: u8, dst: Reg, src: Reg, immediate: i32, to: Label) {
        self.jumps.push((self.code.len(), to));
        self.emit(opcode, dst, src, 0, immediate);
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.jump_by(0x05, R0, R0, 0, to);
    }

    /// To `to` where `a > b`, both whole registers (pointers).
    pub(super) fn jump_above(&mut self, a: Reg, b: Reg, to: Label) {
        self.jump_by(0x2D, a, b, 0, to);
    }

    /// To `to` where the whole of `a` is zero: a pointer that is none.
    pub(super) fn jump_null(&mut self, a: Reg, to: Label) {
        self.jump_by(0x15, a, R0, 0, to);
    }

    /// To `to` where the low 32 bits of `a` equal `value`. (The 64-bit form would extend the sign.)
    pub(super) fn jump_equal(&mut self, a: Reg, value: u32, to: Label) {
        self.jump_by(0x16, a, R0, value as i32, to);
    }

    /// To `to` where the low 32 bits of `a` differ from `value`.
    pub(super) fn jump_differs(&mut self, a: Reg, value: u32, to: Label) {
        self.jump_by(0x56, a, R0, value as i32, to);
    }

    /// To `to` where a bit of `mask` is set in the low 32 bits of `a`.
    pub(super) fn jump_any_bit(&mut self, a: Reg, mask: u32, to: Label) {
        self.jump_by(0x46, a, R0, mask as i32, to);
    }

    /// The program. Jumps to labels that were never placed stay jumps to the next instruction; the
    /// kernel's verifier would see what that does.
    pub(super) fn finish(mut self) -> Vec<u64> {
        for (at, label) in self.jumps {
            let target = self.labels.get(label.0).copied().flatten();
            debug_assert!(target.is_some(), "label {} was never placed", label.0);
            let distance = target.unwrap_or(at + 1) as i64 - at as i64 - 1;
            if let Some(instruction) = self.code.get_mut(at) {
                *instruction |= u64::from(distance as i16 as u16) << 16;
            }
        }
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_that_of_the_kernel_headers() {
        // Values written out by hand from BPF_MOV64_REG, BPF_LDX_MEM, ... of filter.h.
        let mut asm = Assembler::default();
        asm.mov(R6, R1);
        asm.load(Width::Half, R5, R2, 12);
        asm.store(Width::Word, R10, -8, R0);
        asm.add_imm(R2, -8);
        asm.call(Helper::RedirectMap);
        asm.load_map(R1, 7);
        asm.exit();
        let want = [
            0x0000_0000_0000_16BF,
            0x0000_0000_000C_2569,
            0x0000_0000_FFF8_0A63,
            0xFFFF_FFF8_0000_0207,
            0x0000_0033_0000_0085,
            0x0000_0007_0000_1118,
            0,
            0x95,
        ];
        assert_eq!(asm.finish(), want);
    }

    #[test]
    fn jumps_go_forward_and_back() {
        let mut asm = Assembler::default();
        let (back, ahead) = (asm.label(), asm.label());
        asm.place(back);
        asm.jump_equal(R1, 0x8000_0001, ahead);
        asm.jump(back);
        asm.place(ahead);
        asm.exit();
        assert_eq!(asm.finish(), [0x8000_0001_0001_0116, 0xFFFE_0005, 0x95]);
    }
}
