//! Echo requests and what may come back for them, as bytes.

use std::net::{IpAddr, Ipv4Addr};

/// Type, code, checksum, identifier, sequence number.
pub(super) const HEADER: usize = 8;
/// What we put behind the header to know our own again: the socket's token and the packet's number.
pub(super) const MARK: usize = 16;

/// What ICMP says about a packet of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Reply,
    /// An error's type and code, as the family numbers them.
    Error(u8, u8),
}

/// Something that may be for one of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub said: Said,
    pub ident: u16,
    pub sequence: u16,
    /// Token and number. An error need not quote so much.
    pub mark: Option<(u64, u64)>,
}

/// Which family's numbers and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    V4,
    V6,
}

impl Version {
    pub(crate) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    const fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    const fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }

    /// Of IPv4, what is no answer to an echo request (as a redirect) is not looked at.
    const fn is_error(self, kind: u8) -> bool {
        match self {
            Self::V4 => matches!(kind, 3 | 4 | 11 | 12),
            Self::V6 => matches!(kind, 1..=4),
        }
    }
}

/// An echo request with `data` bytes behind its header, at least those of the mark.
pub(super) fn request(
    version: Version,
    ident: u16,
    sequence: u16,
    mark: (u64, u64),
    data: usize,
) -> Vec<u8> {
    let mut packet = vec![0; HEADER + data.max(MARK)];
    packet[0] = version.request();
    packet[4..6].copy_from_slice(&ident.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    packet[8..16].copy_from_slice(&mark.0.to_be_bytes());
    packet[16..24].copy_from_slice(&mark.1.to_be_bytes());
    // The kernel does it for IPv6, whose sum is over addresses, too.
    if version == Version::V4 {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// The internet's checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()))
        .fold(0, |sum, word| {
            let sum = sum + word;
            (sum & 0xffff) + (sum >> 16)
        });
    sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(sum & 0xffff).unwrap_or_default()
}

/// A packet from a raw IPv4 socket begins with the IP header.
pub(super) fn without_ip_header(packet: &[u8]) -> Option<&[u8]> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    (packet[0] >> 4 == 4 && 20 <= length)
        .then(|| packet.get(length..))
        .flatten()
}

/// Reads an ICMP message. None: nothing for any of us.
pub(super) fn read(version: Version, message: &[u8]) -> Option<Seen> {
    let kind = *message.first()?;
    if kind == version.reply() {
        return echo(message, Said::Reply);
    }
    if !version.is_error(kind) {
        return None;
    }
    let code = *message.get(1)?;
    let quoted = message.get(HEADER..)?;
    let inner = match version {
        Version::V4 => {
            // Of another protocol than ICMP: about somebody else's packet.
            (*quoted.get(9)? == 1).then_some(())?;
            without_ip_header(quoted)?
        }
        Version::V6 => {
            (quoted.first()? >> 4 == 6 && *quoted.get(6)? == 58).then_some(())?;
            quoted.get(40..)?
        }
    };
    about(version, inner, kind, code)
}

/// What an error says about `inner`, the beginning of a message that was sent from here.
pub(super) fn about(version: Version, inner: &[u8], kind: u8, code: u8) -> Option<Seen> {
    (version.is_error(kind) && *inner.first()? == version.request())
        .then(|| echo(inner, Said::Error(kind, code)))
        .flatten()
}

fn echo(message: &[u8], said: Said) -> Option<Seen> {
    let word = |at: usize| {
        let bytes = message.get(at..at + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let long = |at: usize| {
        let bytes = message.get(at..at + 8)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    Some(Seen {
        said,
        ident: word(4)?,
        sequence: word(6)?,
        mark: long(8).zip(long(16)),
    })
}

/// The sender of a packet from a raw IPv4 socket, for an error's text.
pub(super) fn sender(packet: &[u8]) -> Option<Ipv4Addr> {
    let bytes: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    Some(Ipv4Addr::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(request: &[u8]) -> Vec<u8> {
        let mut message = vec![3, 1, 0, 0, 0, 0, 0, 0];
        let mut ip = vec![0; 20];
        ip[0] = 0x45;
        ip[9] = 1;
        message.extend(ip);
        message.extend(request);
        message
    }

    #[test]
    fn checksums_come_out_even() {
        for data in [0, 16, 17, 56, 68, 1001] {
            let packet = request(Version::V4, 0xbeef, 7, (u64::MAX, 3), data);
            assert_eq!(checksum(&packet), 0, "{data}");
            assert_eq!(packet.len(), 8 + data.max(16));
        }
        // The example of RFC 1071, whose sum is ddf2.
        assert_eq!(checksum(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn replies_and_errors_name_their_request() {
        for version in [Version::V4, Version::V6] {
            let mut packet = request(version, 5, 6, (1, 2), 56);
            assert_eq!(read(version, &packet), None, "our own request, on loopback");
            packet[0] = version.reply();
            let seen = read(version, &packet).expect("a reply");
            assert_eq!(
                (seen.said, seen.ident, seen.sequence, seen.mark),
                (Said::Reply, 5, 6, Some((1, 2)))
            );
        }
        let request = request(Version::V4, 5, 6, (1, 2), 56);
        let seen = read(Version::V4, &quoted(&request)).expect("an error");
        assert_eq!((seen.said, seen.sequence), (Said::Error(3, 1), 6));
        // Routers of old quote eight bytes.
        let seen = read(Version::V4, &quoted(&request[..8])).expect("an error");
        assert_eq!(seen.mark, None);
    }

    #[test]
    fn no_bytes_make_it_stumble() {
        let whole = quoted(&request(Version::V4, 5, 6, (1, 2), 56));
        for end in 0..whole.len() {
            for version in [Version::V4, Version::V6] {
                let _ = read(version, &whole[..end]);
            }
            let _ = without_ip_header(&whole[..end]);
            let _ = sender(&whole[..end]);
        }
        for first in 0..=255_u8 {
            for length in 0..64 {
                let garbage = vec![first; length];
                let _ = read(Version::V4, &garbage);
                let _ = read(Version::V6, &garbage);
                let _ = without_ip_header(&garbage);
            }
        }
        // Another protocol's packet, quoted, is not ours.
        let mut udp = whole.clone();
        udp[8 + 9] = 17;
        assert_eq!(read(Version::V4, &udp), None);
    }
}
