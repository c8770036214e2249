//! The one mapped file that the engine shares with whoever watches and steers it.
