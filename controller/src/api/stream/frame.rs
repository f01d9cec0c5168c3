//! Events as they go over the line. What is the same for many readers is written once and compressed once, however many
//! there are.

use axum::http::HeaderMap;
use bytes::Bytes;
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;
use std::{
    collections::VecDeque,
    io::Write,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Frames that are kept for others: what the quick readers share, and what those share who missed as much as each other.
const KEPT: usize = 16;

/// How a reader takes the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Plain,
    /// A gzip member that never ends: [`GZIP_HEADER`], then each frame's own piece.
    Gzip,
}

/// RFC 1952: deflate, no flags, no time, of an unknown system.
pub(super) const GZIP_HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

impl Coding {
    pub(super) fn of(headers: &HeaderMap) -> Coding {
        if crate::api::map::takes_gzip(headers) { Coding::Gzip } else { Coding::Plain }
    }
}

/// One event, or several.
#[derive(Debug)]
pub(super) struct Frame {
    plain: Bytes,
    piece: OnceLock<Bytes>,
}

impl Frame {
    /// Whatever `write` adds to it.
    pub(super) fn of(write: impl FnOnce(&mut Events)) -> Frame {
        let mut events = Events(Vec::new());
        write(&mut events);
        Frame { plain: events.0.into(), piece: OnceLock::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    pub(super) fn body(&self, coding: Coding) -> Bytes {
        match coding {
            Coding::Plain => self.plain.clone(),
            Coding::Gzip => self.piece.get_or_init(|| deflate(&self.plain)).clone(),
        }
    }
}

/// Server-sent events, one after the other.
pub(super) struct Events(Vec<u8>);

impl Events {
    pub(super) fn add(&mut self, name: &str, data: &impl Serialize) {
        self.0.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
        // JSON has no line ends of its own, so one `data` line holds it.
        serde_json::to_writer(&mut self.0, data).expect("plain data always serialises");
        self.0.extend_from_slice(b"\n\n");
    }

    /// Says nothing, so that proxies do not hang up.
    pub(super) fn add_comment(&mut self) {
        self.0.extend_from_slice(b":\n\n");
    }
}

/// A piece of DEFLATE that ends at a byte and looks back at nothing before itself: the same bytes fit into every
/// reader's body, whatever he was sent before.
fn deflate(plain: &[u8]) -> Bytes {
    let mut piece = DeflateEncoder::new(Vec::new(), Compression::fast());
    piece.write_all(plain).and_then(|()| piece.flush()).expect("a vector takes all bytes");
    std::mem::take(piece.get_mut()).into()
}

/// What a frame is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Contents {
    /// All that changed between two pictures, by their versions; all there is, from version 0.
    Round { seen: u64, version: u64 },
    /// The vehicles at a moment.
    Vehicles(u64),
}

/// The frames that readers share.
#[derive(Debug, Default)]
pub(in crate::api) struct Frames(Mutex<VecDeque<(Contents, Arc<OnceLock<Frame>>)>>);

impl Frames {
    /// The frame with these contents: whoever asks first writes it, whoever asks meanwhile waits for him.
    pub(super) fn get(&self, contents: Contents, write: impl FnOnce(&mut Events)) -> Shared {
        let cell = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.iter().find(|(of, _)| *of == contents) {
                Some((_, cell)) => cell.clone(),
                None => {
                    kept.truncate(KEPT - 1);
                    let cell = Arc::new(OnceLock::new());
                    kept.push_front((contents, cell.clone()));
                    cell
                }
            }
        };
        cell.get_or_init(|| Frame::of(write));
        Shared(cell)
    }
}

/// A frame that others have too.
pub(super) struct Shared(Arc<OnceLock<Frame>>);

impl std::ops::Deref for Shared {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        self.0.get().expect("`Frames::get` wrote it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pieces_in_any_order_make_one_body() {
        let said = |text: &str| Frame::of(|events| events.add("health", &text));
        let (first, second) = (said(&"broker up ".repeat(1000)), said("broker down"));
        let mut body = GZIP_HEADER.to_vec();
        let mut plain = Vec::new();
        for frame in [&second, &first, &second] {
            body.extend(frame.body(Coding::Gzip));
            plain.extend(frame.body(Coding::Plain));
            // All that was sent can be read before anything follows it.
            let mut read = vec![0; plain.len()];
            flate2::read::GzDecoder::new(&body[..]).read_exact(&mut read).unwrap();
            assert_eq!(read, plain);
        }
        assert!(body.len() < plain.len() / 10, "{} of {}", body.len(), plain.len());
    }

    #[test]
    fn the_same_contents_are_written_once() {
        let frames = Frames::default();
        let mut written = 0;
        for version in [2, 2, 3, 2] {
            frames.get(Contents::Round { seen: 1, version }, |events| {
                written += 1;
                events.add("health", &version);
            });
        }
        assert_eq!(written, 2);
        for version in 3..100 {
            frames.get(Contents::Round { seen: 1, version }, |_| {});
        }
        assert_eq!(frames.0.lock().unwrap().len(), KEPT);
    }
}
