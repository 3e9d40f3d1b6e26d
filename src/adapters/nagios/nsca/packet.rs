//! What `send_nsca` sends: packets of fixed size, of 720 bytes with 512 for the output, or of 4304 with 4096.

use super::cipher::Cipher;
use crate::{
    adapters::nagios::intake::Said,
    base::time::Timestamp,
    domain::{external, model::job::CheckResult},
};

const VERSION: i16 = 3;
const HOST: std::ops::Range<usize> = 14..78;
const CHECK: std::ops::Range<usize> = 78..206;
const OUTPUT: usize = 206;
/// The sizes of a packet, and where the output ends in it.
const SIZES: [(usize, usize); 2] = [(720, OUTPUT + 512), (4304, OUTPUT + 4096)];
/// The largest packet.
pub const LARGEST: usize = 4304;

/// A result as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The server's own time, which the client sends back.
    pub at: Timestamp,
    pub host: String,
    pub check: Option<String>,
    pub code: i16,
    pub output: String,
}

/// The bytes of one connection on their way to packets.
#[derive(Debug)]
pub struct Stream {
    cipher: Cipher,
    bytes: Vec<u8>,
}

impl Stream {
    pub const fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            bytes: Vec::new(),
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing waits for more.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next packet; None: more has to come. The error: this is no packet of ours, and nothing after it can be.
    pub fn next(&mut self) -> Result<Option<Packet>, ()> {
        for (size, end) in SIZES {
            let Some(bytes) = self.bytes.get(..size) else {
                return Ok(None);
            };
            let mut packet = bytes.to_vec();
            let mut cipher = self.cipher.clone();
            cipher.decrypt(&mut packet);
            if let Some(found) = read(&packet, end) {
                self.cipher = cipher;
                self.bytes.drain(..size);
                return Ok(Some(found));
            }
        }
        Err(())
    }
}

/// None: its sum or its version is wrong.
fn read(packet: &[u8], end: usize) -> Option<Packet> {
    let number = |at: usize| Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?));
    let short = |at: usize| Some(i16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    let sum = number(4)?;
    let parts: [&[u8]; 3] = [packet.get(..4)?, &[0; 4], packet.get(8..)?];
    if sum != crc32(parts.into_iter().flatten().copied()) || short(0)? != VERSION {
        return None;
    }
    let check = text(packet.get(CHECK)?);
    Some(Packet {
        at: Timestamp::from_secs(i64::from(number(8)?)),
        host: text(packet.get(HOST)?),
        check: Some(check).filter(|check| !check.is_empty()),
        code: short(12)?,
        output: text(packet.get(OUTPUT..end)?),
    })
}

/// Up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

impl Packet {
    /// The result, found at `now`. The error is a sentence.
    pub fn result(&self, now: Timestamp) -> Result<CheckResult, String> {
        let said = Said {
            host: &self.host,
            check: self.check.as_deref(),
            code: i32::from(self.code),
            // Further lines come as they are, or escaped for the command pipe.
            text: &external::unescape(&self.output),
            at: now,
        };
        said.passive()
    }
}

/// The sum of Ethernet and gzip.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let rest = bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (if sum & 1 == 0 { 0 } else { 0xedb8_8320 })
        })
    });
    !rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::cipher::{Method, VECTOR},
        *,
    };

    fn packet(size: usize, output: &str) -> Vec<u8> {
        let mut bytes = vec![0; size];
        bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
        bytes[8..12].copy_from_slice(&1_700_000_000u32.to_be_bytes());
        bytes[12..14].copy_from_slice(&2i16.to_be_bytes());
        bytes[14..18].copy_from_slice(b"web1");
        bytes[78..82].copy_from_slice(b"http");
        bytes[206..206 + output.len()].copy_from_slice(output.as_bytes());
        let sum = crc32(bytes.iter().copied());
        bytes[4..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    #[test]
    fn the_sum_is_that_of_gzip() {
        assert_eq!(crc32(b"123456789".iter().copied()), 0xcbf4_3926);
    }

    #[test]
    fn packets_of_both_sizes_come_in_pieces() {
        let mut stream = Stream::new(Cipher::None);
        let all = [
            packet(720, "short"),
            packet(4304, "long\\nmore"),
            packet(720, "x"),
        ]
        .concat();
        let mut found = Vec::new();
        for piece in all.chunks(700) {
            stream.push(piece);
            while let Some(packet) = stream.next().expect("good") {
                found.push(packet);
            }
        }
        let outputs: Vec<&str> = found.iter().map(|packet| &*packet.output).collect();
        assert_eq!(outputs, ["short", "long\\nmore", "x"]);
        assert!(stream.is_empty());
        let result = found[1].result(Timestamp::from_secs(7)).expect("good");
        assert_eq!(result.object.to_string(), "web1/http");
        assert_eq!(&*result.long_output, "more");
        assert_eq!(result.started, Timestamp::from_secs(7));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut bytes = packet(4304, "x");
        bytes[300] ^= 1;
        let mut stream = Stream::new(Cipher::None);
        stream.push(&bytes);
        assert_eq!(stream.next(), Err(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn no_bytes_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..9000),
            method in prop::sample::select(vec![
                Method::None,
                Method::Xor,
                Method::Des,
                Method::TripleDes,
                Method::Rijndael128,
                Method::Rijndael192,
                Method::Rijndael256,
            ]),
            password in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut stream = Stream::new(Cipher::new(method, &password, &[7; VECTOR]));
            stream.push(&bytes);
            prop_assert_eq!(stream.next().is_err(), LARGEST <= bytes.len());
        }

        /// A good sum over anything: what is in a packet may be anything, too.
        #[test]
        fn no_content_panics(content in prop::collection::vec(any::<u8>(), 712)) {
            let mut bytes = packet(720, "");
            bytes[8..].copy_from_slice(&content);
            bytes[4..8].fill(0);
            let sum = crc32(bytes.iter().copied());
            bytes[4..8].copy_from_slice(&sum.to_be_bytes());
            let mut stream = Stream::new(Cipher::None);
            stream.push(&bytes);
            let found = stream.next().expect("good").expect("whole");
            let _ = found.result(Timestamp::default());
        }
    }
}
