//! Writes a large file beside the journal without holding up its commits: in pieces, each synced
//! before the next, with pauses of three quarters of the time while anybody commits.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use gate_types::Clock;
use ring::digest::{Context, SHA256};

use crate::error::SnapshotError;

/// Bytes written and synced at once: such a sync takes about as long as a commit's.
const PIECE_BYTES: usize = 256 * 1024;
/// A pause lasts this many times as long as the piece before it.
const PAUSES: u32 = 3;
/// Longest pause: a piece may have taken long because its thread had no processor.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// Whether to pause after a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speed {
    /// Pause: others use the disk.
    Gentle,
    /// Do not pause: nobody else uses the disk.
    Full,
}

/// Asked after each piece; an error ends the writing.
pub(crate) type AskSpeed<'a> = &'a dyn Fn() -> Result<Speed, SnapshotError>;

/// A file whose contents end in their SHA-256.
pub(crate) struct Trickle<'a> {
    file: File,
    hash: Context,
    piece: Vec<u8>,
    length: u64,
    clock: &'a dyn Clock,
    began_ns: u64,
    speed: AskSpeed<'a>,
}

impl<'a> Trickle<'a> {
    /// Writes over a file from its beginning, reusing its space. Until [`Self::finish`] it may end
    /// in old content.
    pub(crate) fn over(file: File, clock: &'a dyn Clock, speed: AskSpeed<'a>) -> Self {
        Self {
            file,
            hash: Context::new(&SHA256),
            piece: Vec::with_capacity(PIECE_BYTES),
            length: 0,
            clock,
            began_ns: clock.monotonic_ns(),
            speed,
        }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.piece.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() >= PIECE_BYTES {
                self.put_piece()?;
                self.pause()?;
            }
        }
        Ok(())
    }

    /// Appends the hash and cuts the file off there. Durable when this returns.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.put_piece()?;
        let hash = self.hash.finish();
        self.file.write_all(hash.as_ref())?;
        let hash_bytes = u64::try_from(hash.as_ref().len()).unwrap_or_default();
        self.file.set_len(self.length.saturating_add(hash_bytes))?;
        self.file.sync_all()
    }

    fn put_piece(&mut self) -> io::Result<()> {
        self.hash.update(&self.piece);
        self.file.write_all(&self.piece)?;
        self.file.sync_data()?;
        let written = u64::try_from(self.piece.len()).unwrap_or_default();
        self.length = self.length.saturating_add(written);
        self.piece.clear();
        Ok(())
    }

    fn pause(&mut self) -> Result<(), SnapshotError> {
        let worked = self.clock.monotonic_ns().saturating_sub(self.began_ns);
        if (self.speed)()? == Speed::Gentle {
            let pause = Duration::from_nanos(worked).saturating_mul(PAUSES);
            std::thread::sleep(pause.min(MAX_PAUSE));
        }
        self.began_ns = self.clock.monotonic_ns();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use gate_types::Timestamp;
    use ring::digest::digest;

    use super::*;

    /// Moves on by a millisecond at each reading.
    #[derive(Debug, Default)]
    struct Ticking(std::sync::atomic::AtomicU64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_nanos(0)
        }

        fn monotonic_ns(&self) -> u64 {
            self.0
                .fetch_add(1_000_000, std::sync::atomic::Ordering::Relaxed)
        }
    }

    #[test]
    fn what_was_longer_before_ends_where_the_new_content_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![7; 3 * PIECE_BYTES]).unwrap();
        let content: Vec<u8> = (0..2 * PIECE_BYTES + 5).map(|n| (n % 251) as u8).collect();
        let asked = Cell::new(0);
        let speed = || {
            asked.set(asked.get() + 1);
            Ok(if asked.get() > 1 {
                Speed::Full
            } else {
                Speed::Gentle
            })
        };
        let clock = Ticking::default();
        let file = File::options().write(true).open(&path).unwrap();
        let mut file = Trickle::over(file, &clock, &speed);
        for part in content.chunks(100_000) {
            file.write(part).unwrap();
        }
        file.finish().unwrap();
        let found = std::fs::read(&path).unwrap();
        let (body, hash) = found.split_last_chunk::<32>().unwrap();
        assert_eq!(body, content);
        assert_eq!(hash, digest(&SHA256, &content).as_ref());
        // Asked after each whole piece.
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn an_error_ends_it_after_a_piece() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let clock = Ticking::default();
        let closed = || Err(SnapshotError::Closed);
        let mut file = Trickle::over(File::create(&path).unwrap(), &clock, &closed);
        let ended = file.write(&vec![7; 3 * PIECE_BYTES]);
        assert!(matches!(ended, Err(SnapshotError::Closed)), "{ended:?}");
        let piece = u64::try_from(PIECE_BYTES).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), piece);
    }
}
