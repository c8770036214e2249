//! Messages that lie ready on the card, where Onload runs this process: prebuild, patch, fire.
//!
//! Model: one template per length of message. A message whose length matches an armed template
//! goes out by overwriting the whole template, which is what the encoder's own prebuilt bytes cost
//! anyway; headers and addresses lie on the card. A template is made again at a later poll. Without
//! Onload the list is empty and costs one comparison a send.

use std::os::fd::AsRawFd;

use crate::onload::{Onload, Template};

/// Lengths of messages, at most.
const TEMPLATES_MAX: usize = 8;

/// One kind of message.
#[derive(Debug)]
struct Slot {
    message: Box<[u8]>,
    template: Option<Template>,
}

/// The templates of one connection.
#[derive(Debug, Default)]
pub(super) struct Templates {
    onload: Option<Onload>,
    slots: Vec<Slot>,
    fired: u64,
}

impl Templates {
    /// Looks for Onload.
    pub fn find() -> Templates {
        Templates { onload: Onload::find(), ..Templates::default() }
    }

    /// Messages like this one will be sent.
    pub fn add(&mut self, message: &[u8]) {
        let known = self.slots.iter().any(|slot| slot.message.len() == message.len());
        if self.onload.is_some() && !known && self.slots.len() < TEMPLATES_MAX {
            self.slots.push(Slot { message: message.into(), template: None });
        }
    }

    /// Makes what is missing on `socket`. Where Onload has no room now, a later call tries again.
    pub fn arm(&mut self, socket: &impl AsRawFd) {
        let Some(onload) = self.onload else { return };
        for slot in &mut self.slots {
            match &mut slot.template {
                Some(template) => _ = template.rearm(),
                None => slot.template = onload.template(socket.as_raw_fd(), &slot.message),
            }
        }
    }

    /// Gives all back, before their socket goes.
    pub fn disarm(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.template = None);
    }

    /// Sends `message` by its template: whether it did.
    #[inline]
    pub fn fire(&mut self, message: &[u8]) -> bool {
        let like = |slot: &&mut Slot| slot.message.len() == message.len();
        let slot = self.slots.iter_mut().find(like);
        let template = slot.and_then(|slot| slot.template.as_mut());
        let fired =
            template.is_some_and(|template| template.update_and_send(&[(0, message)]).is_ok());
        self.fired += u64::from(fired);
        fired
    }

    /// What people should know of it.
    pub fn describe(&self) -> String {
        match self.onload {
            None => String::new(),
            Some(_) => format!(", Onload, {} templates, {} fired", self.slots.len(), self.fired),
        }
    }
}
